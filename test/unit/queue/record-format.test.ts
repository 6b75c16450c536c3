import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Instant } from '../../../src/core/clock.ts';
import type { ContentFacts } from '../../../src/core/content.ts';
import type { Address, Condition, Envelope, MessageId, Origin, RecipientId } from '../../../src/core/envelope.ts';
import type { Deferred, Delivered, Diagnostic, Failed, Outcome } from '../../../src/core/outcome.ts';
import type { RecipientState, StoredMessage } from '../../../src/core/queue-store.ts';
import type { PendingOrder, StoredRecord } from '../../../src/flow/queue/message-changes.ts';
import { createRecordFormat } from '../../../src/flow/queue/format/record.ts';
import { openKernels } from '../../../src/kit/wasm/kernels.ts';
import fc from '../../props/fast-check.ts';

const format = createRecordFormat(openKernels());

const instant = fc.integer({ min: 0, max: 2 ** 50 }) as fc.Arbitrary<Instant>;
const text = fc.oneof(fc.string({ maxLength: 60 }), fc.string({ unit: 'binary', maxLength: 300 }));
const whole = fc.oneof(fc.nat(200), fc.maxSafeNat());

const said: fc.Arbitrary<Diagnostic> = fc.record(
  { type: fc.constantFrom('smtp', 'x-unix', 'x-fax', 'x-uucp', 'x-gateway'), text, remoteMta: text, command: text },
  { requiredKeys: ['type', 'text'] },
);
const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  fc.record({ kind: fc.constantFrom('delivered', 'relayed', 'expanded'), status: fc.constant('2.1.5'), dsnHandedOver: fc.constant(true), said }, { requiredKeys: ['kind', 'status'] }) as fc.Arbitrary<Delivered>,
  fc.record(
    { kind: fc.constant('deferred'), status: fc.constant('4.4.1'), blame: fc.constantFrom('recipient', 'message', 'nexthop'), notBefore: instant, uncertain: fc.constant(true), said },
    { requiredKeys: ['kind', 'status', 'blame'] },
  ) as fc.Arbitrary<Deferred>,
  fc.record({ kind: fc.constant('failed'), status: fc.constant('5.1.1'), said }, { requiredKeys: ['kind', 'status'] }) as fc.Arbitrary<Failed>,
);
const conditions = fc.subarray<Condition>(['success', 'failure', 'delay']);
const recipient = fc.record(
  {
    id: fc.nat(100_000),
    address: text,
    original: text,
    notify: fc.oneof(fc.constant('never' as const), conditions),
    outcome,
    outcomeAt: instant,
    reached: outcome,
    reported: fc.constant(true as const),
  },
  { requiredKeys: ['id', 'address'] },
) as fc.Arbitrary<unknown> as fc.Arbitrary<RecipientState>;
const origin: fc.Arbitrary<Origin> = fc.record(
  {
    source: fc.constantFrom('esmtp', 'submission', 'local', 'uucp', 'dsn', 'fax', 'list'),
    protocol: text,
    at: fc.double({ noNaN: true, min: 0, max: 2 ** 52 }),
    remoteAddress: text,
    remotePort: fc.nat(65_535),
    remoteName: text,
    about: text,
    localAddress: text,
    helo: text,
    login: text,
    mechanism: text,
    relayClient: text,
    virtualHost: text,
    tls: fc.record({ version: text, cipher: text, bits: fc.nat(512) }),
  },
  { requiredKeys: ['source', 'protocol', 'at'] },
);
const envelope = fc.record(
  { reversePath: fc.oneof(fc.constant(null), text), body: fc.constantFrom('7bit', '8bitmime', 'binarymime'), smtputf8: fc.boolean(), ret: fc.constantFrom('full', 'hdrs'), envid: text, verp: fc.constant(true), security: fc.constant('starttls'), requireTls: fc.constant(true), origin },
  { requiredKeys: ['reversePath', 'body', 'smtputf8', 'origin'] },
) as fc.Arbitrary<unknown> as fc.Arbitrary<Envelope>;
const octets = (size: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: size, maxLength: size });
const facts: fc.Arbitrary<ContentFacts> = fc.record({
  sizeOctets: whole,
  has8bit: fc.boolean(),
  hasNul: fc.boolean(),
  header8bit: fc.boolean(),
  bareCr: whole,
  bareLf: whole,
  longestLine: whole,
  headerEnd: whole,
  digest: octets(16),
});
const cancelled = fc.record({ reason: text, at: instant });
const message = fc.record(
  {
    id: fc.constant('0123456789ABC.01234567' as MessageId),
    envelope,
    recipients: fc.array(recipient, { maxLength: 12 }),
    facts,
    trace: fc.uint8Array({ maxLength: 5000 }),
    acceptedAt: instant,
    attempts: fc.nat(10_000),
    lastAttemptAt: instant,
    warnedAt: instant,
    cancelled,
  },
  { requiredKeys: ['id', 'envelope', 'recipients', 'facts', 'trace', 'acceptedAt', 'attempts'] },
) as fc.Arbitrary<unknown> as fc.Arbitrary<StoredMessage>;
const record: fc.Arbitrary<StoredRecord> = fc.record({ message, due: instant, held: fc.boolean(), inFile: fc.boolean() });

/** Lone surrogates have no UTF-8 form; nothing that is stored has any. */
function wellFormed(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  return typeof value !== 'object' || value === null || value instanceof Uint8Array || Object.values(value).every(wellFormed);
}

/** The same values without their classes: fast-check's objects have no prototype, octets read back are buffers. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}

function reason(octets: Buffer): string {
  const found = format.parse(octets, '');
  return typeof found === 'string' ? found : 'a record';
}

describe('record format', () => {
  it('reads back what it wrote, whatever it was', () => {
    fc.assert(
      fc.property(record.filter(wellFormed), (written) => {
        assert.deepEqual(plain(format.parse(format.format(written), written.message.id)), plain(written));
      }),
      { numRuns: 400 },
    );
  });

  it('notices every flipped bit', () => {
    const [sample] = fc.sample(record.filter(wellFormed), { numRuns: 1, seed: 7 });
    const octets = format.format(sample!);
    for (let bit = 0; bit < octets.length * 8; bit += 3) {
      const flipped = Buffer.from(octets);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      assert.equal(typeof format.parse(flipped, sample!.message.id), 'string', `bit ${bit}`);
    }
  });

  it('notices a record that lost its end, or gained one', () => {
    const [sample] = fc.sample(record.filter(wellFormed), { numRuns: 1, seed: 8 });
    const octets = format.format(sample!);
    for (let size = 0; size < octets.length; size++) assert.equal(typeof format.parse(octets.subarray(0, size), sample!.message.id), 'string');
    assert.equal(typeof format.parse(Buffer.concat([octets, Buffer.from([0])]), sample!.message.id), 'string');
  });

  it('does not guess at another version', () => {
    const octets = Buffer.from([3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert.match(reason(octets), /version 3/);
  });

  it('never throws at octets that are no record', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (octets) => {
        assert.equal(typeof format.parse(Buffer.concat([Buffer.from([1]), octets]), ''), 'string');
      }),
    );
  });

  it('writes again what it wrote before: records do not share octets', () => {
    const [one, two] = fc.sample(record.filter(wellFormed), { numRuns: 2, seed: 9 });
    const first = format.format(one!);
    const copy = Buffer.from(first);
    format.format(two!);
    assert.deepEqual(first, copy);
  });

  it('reads back pending orders', () => {
    const order = fc.record({ flush: fc.boolean(), hold: fc.boolean(), cancel: cancelled }, { requiredKeys: ['flush', 'hold'] }) as fc.Arbitrary<unknown> as fc.Arbitrary<PendingOrder>;
    fc.assert(fc.property(order.filter(wellFormed), (written) => assert.deepEqual(plain(format.parseOrder(format.formatOrder(written))), plain(written))));
  });

  it('refuses to write a digest of another length', () => {
    const [sample] = fc.sample(record, { numRuns: 1, seed: 10 });
    const { message } = sample!;
    assert.throws(() => format.format({ ...sample!, message: { ...message, facts: { ...message.facts, digest: new Uint8Array(8) } } }), /16 octets/);
  });

  it('recipients keep their numbers', () => {
    const [sample] = fc.sample(record, { numRuns: 1, seed: 11 });
    const recipients = [7, 3, 300].map((id) => ({ id: id as RecipientId, address: `u${id}@example.org` as Address }));
    const found = format.parse(format.format({ ...sample!, message: { ...sample!.message, recipients } }), sample!.message.id);
    assert.deepEqual(typeof found === 'string' ? found : found.message.recipients, recipients);
  });
});
