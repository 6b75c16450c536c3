/** An intake with the checks of the Internet before it, on a name server that is a table and a clock that is a hand's. */
import assert from 'node:assert/strict';
import type { Origin } from '../../src/core/envelope.ts';
import type { Log } from '../../src/core/log.ts';
import type { Check } from '../../src/core/policy.ts';
import type { Refusal } from '../../src/core/status.ts';
import { createMailAuthentication } from '../../src/kit/mail-authentication.ts';
import { createAuthentication, createChecks, createNetworkChecks } from '../../src/flow/check/index.ts';
import { createIntake, type IntakeOptions } from '../../src/flow/intake/index.ts';
import { createMemoryQueue } from '../../src/flow/queue/index.ts';
import { createTraceFields } from '../../src/flow/rewrite/index.ts';
import { parseAddress } from '../../src/grammar/address.ts';
import { parseBofh } from '../../src/grammar/config/ways-in/bofh.ts';
import { openKernels } from '../../src/kit/wasm/kernels.ts';
import { createMetrics } from '../../src/kit/metrics.ts';
import { valueOf } from '../unit/config/parsed-props.ts';
import { createFakeClock } from './fake-clock.ts';
import { tableResolver, type Names } from './names.ts';

export interface Said {
  /** The reply to whatever was refused, or `queued`. */
  readonly answer: string;
  /** Our fields, with LF line ends; '' when refused. */
  readonly header: string;
  /** Why, in the log's words. */
  readonly why: string;
}

export interface Letter {
  readonly from?: string | null;
  readonly to?: readonly string[];
  readonly content?: string;
  readonly origin?: Partial<Origin>;
  readonly variables?: Readonly<Record<string, string>>;
}

export interface AccessDeskOptions {
  readonly names?: Names;
  readonly bofh?: string;
  /** Further ones, asked last. */
  readonly checks?: readonly Check[];
  readonly filtering?: IntakeOptions['filtering'];
}

const LETTER = 'From: Ann <ann@there.example>\r\nTo: bob@here.example\r\nSubject: Hello\r\nDate: Mon, 16 Nov 2026 10:00:00 +0000\r\n\r\nbody\r\n';

export function accessDesk({ names = {}, bofh = '', checks = [], filtering }: AccessDeskOptions = {}) {
  const clock = createFakeClock();
  const kernels = openKernels();
  const resolver = tableResolver(names);
  const logged: string[] = [];
  const note = (event: string, fields?: Readonly<Record<string, unknown>>): void => void logged.push(`${event} ${JSON.stringify(fields ?? {})}`);
  const log: Log = { info: () => undefined, warn: note, error: note };
  const rules = valueOf(parseBofh(bofh));
  const accepted = { has: (domain: string) => domain === 'here.example' };
  const network = createNetworkChecks({ resolver, clock, log, me: 'mx.here.example', bofh: rules, isOwn: accepted.has });
  const verifier = createMailAuthentication();
  const store = createMemoryQueue({ clock, kernels });
  let variables = new Map<string, string>();
  const intake = createIntake({
    store, clock, log, metrics: createMetrics(),
    checks: [...network.around(createChecks({ acceptMailFor: accepted, bofh: rules })), ...checks],
    variables: () => variables,
    trace: createTraceFields({ me: 'mx.here.example', messageIdHost: 'mx.here.example' }),
    limits: { headerOctets: 100_000, receivedFields: 100, sizeOctets: 1_000_000, submitDelayMs: 0 },
    witness: createAuthentication({ resolver, clock, log, me: 'mx.here.example', verifier }),
    ...(filtering === undefined ? {} : { filtering }),
  });

  async function say(letter: Letter = {}): Promise<Said> {
    const { from = 'ann@there.example', to = ['bob@here.example'], content = LETTER } = letter;
    variables = new Map(Object.entries({ BOFHCHECKDNS: '0', ...letter.variables }));
    const origin: Origin = { source: 'esmtp', protocol: 'ESMTP', remoteAddress: '192.0.2.1', remoteName: 'mx.there.example', helo: 'mx.there.example', at: clock.now(), ...letter.origin };
    const transaction = await intake.open(origin);
    assert.ok(transaction.kind === 'open');
    const mail = await transaction.mail(from === null ? null : parseAddress(from), {});
    if (mail.kind === 'refused') return refused(mail);
    for (const one of to) {
      const address = parseAddress(one);
      assert.ok(address !== null, one);
      const rcpt = await transaction.rcpt(address, {});
      if (rcpt.kind === 'refused') return refused(rcpt);
    }
    const writer = await transaction.data();
    if (writer.kind === 'refused') return refused(writer);
    const scan = kernels.openScan();
    const octets = Buffer.from(content, 'latin1');
    for (let at = 0; at < octets.length; at += 5000) {
      const piece = Buffer.from(octets.subarray(at, at + 5000));
      scan.feed(piece);
      await writer.write(piece);
    }
    const answer = await writer.end(scan.facts());
    if (answer.kind === 'refused') return refused(answer);
    const entry = store.get(answer.id);
    assert.ok(entry !== null);
    const stored = await store.content({ id: answer.id, message: entry.message });
    assert.ok(stored.kind === 'content');
    const pieces: Uint8Array[] = [];
    for await (const piece of stored.read()) pieces.push(piece);
    const text = Buffer.concat(pieces).toString('latin1');
    return { answer: 'queued', header: text.slice(0, text.indexOf('\r\n\r\n') + 2).replaceAll('\r\n', '\n'), why: '' };
  }

  return { say, clock, resolver, logged, network, store };
}

function refused({ reply, status, text, why = '' }: Refusal): Said {
  return { answer: `${reply} ${status} ${text}`, header: '', why };
}
