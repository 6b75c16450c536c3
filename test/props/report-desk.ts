/** A door that keeps what is offered to it, and refuses as told. */
import type { Address, MessageId, Origin, ReversePath } from '../../src/core/envelope.ts';
import { taken, type Intake, type MailOptions } from '../../src/core/intake.ts';
import type { ContentFacts } from '../../src/core/content.ts';
import type { Refusal } from '../../src/core/status.ts';
import { factsOf } from './plain-store.ts';

export interface Offered {
  readonly origin: Origin;
  readonly key: string | undefined;
  readonly from: ReversePath;
  readonly options: MailOptions;
  readonly to: readonly Address[];
  readonly octets: Buffer;
  readonly facts: ContentFacts;
}

export interface Desk extends Intake {
  readonly queued: Offered[];
  /** Asked at each recipient. */
  refuse: (to: Address) => Refusal | null;
}

export function createDesk(): Desk {
  const desk: Desk = {
    queued: [],
    refuse: () => null,
    open(origin, open) {
      let from: ReversePath = null;
      let options: MailOptions = {};
      const to: Address[] = [];
      const chunks: Buffer[] = [];
      return {
        kind: 'open',
        mail(reversePath, given) {
          from = reversePath;
          options = given;
          return taken;
        },
        rcpt(address) {
          const refusal = desk.refuse(address);
          if (refusal === null) to.push(address);
          return refusal ?? taken;
        },
        data: () => ({
          kind: 'writer',
          write(chunk) {
            chunks.push(Buffer.from(chunk));
            chunk.fill(0); // it is the writer's now
            return undefined;
          },
          async end(facts) {
            if (open?.idempotencyKey === undefined || !desk.queued.some(one => one.key === open.idempotencyKey)) desk.queued.push({ origin, key: open?.idempotencyKey, from, options, to, octets: Buffer.concat(chunks), facts });
            return { kind: 'queued', id: `d${desk.queued.length}` as MessageId, refused: new Map() };
          },
        }),
        abort: () => undefined,
      };
    },
  };
  return desk;
}

export function createScan() {
  const chunks: Uint8Array[] = [];
  return { feed: (chunk: Uint8Array) => void chunks.push(Buffer.from(chunk)), facts: () => factsOf(Buffer.concat(chunks)) };
}
