/** An intake that remembers what it queued and refuses as told, and a room of arrivals on it. */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Address } from '../../src/core/envelope.ts';
import type { Clock } from '../../src/core/clock.ts';
import type { ArrivedPage } from '../../src/core/fax-arrival.ts';
import type { Intake } from '../../src/core/intake.ts';
import { silent } from '../../src/core/log.ts';
import type { Refusal } from '../../src/core/status.ts';
import { openArrivals, type ArrivalSettings } from '../../src/service/fax-arrivals/index.ts';
import { FAX_ROW_OCTETS } from '../../src/core/fax.ts';
import { createFastClock } from './fast-clock.ts';
import { kernels } from './fax-modem.ts';
import { scratchFolder } from './scratch-folder.ts';
import { createWatch, type Watch } from './within.ts';

export interface QueuedMail {
  readonly reversePath: string | null;
  readonly recipients: readonly string[];
  readonly key: string | undefined;
  readonly content: Buffer;
}

export interface MailBench {
  readonly folder: string;
  readonly queued: readonly QueuedMail[];
  readonly watch: Watch;
  readonly clock: Clock;
  openRoom(settings?: Partial<ArrivalSettings>): ReturnType<typeof openArrivals>;
}

export const address = (text: string) => text as Address;

export function openMailBench(t: TestContext, refuse: (recipient: string, sizeOctets: number) => Refusal | null = () => null): MailBench {
  const queued: QueuedMail[] = [];
  const watch = createWatch();
  const clock = createFastClock(60);
  const intake: Intake = {
    open(_origin, options) {
      let reversePath: string | null = null;
      const recipients: string[] = [];
      const chunks: Uint8Array[] = [];
      return {
        kind: 'open',
        mail(from) {
          reversePath = from;
          return { kind: 'taken' };
        },
        rcpt(recipient) {
          const refusal = refuse(recipient, 0);
          if (refusal === null) recipients.push(recipient);
          watch.happened();
          return refusal ?? { kind: 'taken' };
        },
        data: () => ({
          kind: 'writer',
          write(chunk) {
            chunks.push(Buffer.from(chunk));
            return undefined;
          },
          end(facts) {
            const refusal = refuse(recipients[0] ?? '', facts.sizeOctets);
            if (refusal === null) queued.push({ reversePath, recipients, key: options?.idempotencyKey, content: Buffer.concat(chunks) });
            watch.happened();
            return Promise.resolve(refusal ?? { kind: 'queued', id: 'M1' as never, refused: new Map() });
          },
        }),
        abort: () => undefined,
      };
    },
  };
  const folder = join(mkdtempSync(join(scratchFolder('arrivals'), 'a-')), 'incoming');
  return {
    folder, queued, watch, clock,
    openRoom(settings = {}) {
      const room = openArrivals({
        folder, intake, kernels, clock, log: silent, freeSpaceOctets: () => 0,
        settings: () => ({
          mailFrom: null, recipients: [address('office@here.example')], postmaster: address('postmaster@here.example'), from: '"Fax" <fax@here.example>',
          messageIdHost: 'here.example', attach: ['pdf', 'png'], routes: [], ...settings,
        }),
      });
      t.after(() => room.close());
      return room;
    },
  };
}

export function arrivedPage(bitmap: Buffer, more: Partial<ArrivedPage> = {}): ArrivedPage {
  const encoder = kernels.openFaxEncoder();
  return { resolution: 'fine', rows: bitmap.length / FAX_ROW_OCTETS, badRows: 0, coded: Buffer.concat([encoder.feed(bitmap), encoder.finish()]), verdict: 'confirmed', whole: true, ...more };
}
