/** The intake with filters: what they see, what they may change, and that nothing is queued before they have passed it. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Instant } from '../../../src/core/clock.ts';
import type { Origin } from '../../../src/core/envelope.ts';
import { silent } from '../../../src/core/log.ts';
import type { Check, Filter, FilterAnswer, Inspected, Looked, Verdict } from '../../../src/core/policy.ts';
import type { QueueEntry } from '../../../src/core/queue-store.ts';
import { refuse } from '../../../src/core/status.ts';
import { createExamination, type Placed } from '../../../src/flow/filter/examination.ts';
import { createHolding, MEMORY_OCTETS } from '../../../src/kit/file/holding.ts';
import { createIntake } from '../../../src/flow/intake/index.ts';
import { createMemoryQueue } from '../../../src/flow/queue/index.ts';
import { createTraceFields } from '../../../src/flow/rewrite/index.ts';
import { createMetrics } from '../../../src/kit/metrics.ts';
import { createHandClock } from '../../props/hand-clock.ts';
import { addressOf, factsOf, kernels } from '../../props/inspected.ts';
import { scratchFor } from '../../props/scratch.ts';

const GOOD = 'Date: x\r\nMessage-ID: <1@x>\r\nTo: b@here.example\r\nSubject: old\r\n\r\nbody\r\n';
const origin: Origin = { source: 'esmtp', protocol: 'ESMTP', remoteAddress: '192.0.2.9', helo: 'there.example', at: 0 };
const looked = (own: Partial<Looked> = {}): FilterAnswer => ({ kind: 'looked', verdicts: new Map(), addFields: [], ...own });
const forAll = (message: Inspected, verdict: Verdict) => new Map([...message.recipients.keys()].map(id => [id, verdict]));

function filter(inspect: Filter['inspect'], own: Partial<Placed> & { whenAbsent?: 'pass' | 'defer'; name?: string } = {}): Placed {
  const { whenAbsent = 'defer', name = 'one', ...placed } = own;
  return { filter: { name, whenAbsent, inspect }, timeoutMs: 1000, optional: false, ...placed };
}

function desk(t: TestContext, filters: readonly Placed[], checks: readonly Check[] = [], batchSize = 100) {
  const clock = createHandClock();
  const store = createMemoryQueue({ clock, kernels });
  const folder = scratchFor(t, 'filtering');
  const seen: string[] = [];
  let held = 0;
  const intake = createIntake({
    store, clock, checks, variables: () => new Map(), log: silent, metrics: createMetrics(),
    trace: createTraceFields({ me: 'gate.example', messageIdHost: 'gate.example' }),
    limits: { headerOctets: 100_000, receivedFields: 100, sizeOctets: 0, submitDelayMs: 0, batchSize },
    filtering: {
      open: () => createExamination({
        hold: () => createHolding(join(folder, `H${++held}`)), filters: () => filters, kernels, clock, log: silent, signal: new AbortController().signal,
        seen: (name, result) => void seen.push(`${name} ${result}`), forget: () => undefined,
      }),
    },
  });
  async function send(text: string, own: { to?: readonly string[]; exdata?: true } = {}) {
    const transaction = await intake.open(origin);
    assert.ok(transaction.kind === 'open');
    await transaction.mail(addressOf('a@there.example'), own.exdata === undefined ? {} : { exdata: true });
    const replies: string[] = [];
    for (const to of own.to ?? ['b@here.example']) {
      const reply = await transaction.rcpt(addressOf(to), {});
      replies.push(reply.kind === 'refused' ? String(reply.reply) : 'taken');
    }
    const writer = await transaction.data();
    assert.ok(writer.kind === 'writer');
    const octets = Buffer.from(text, 'latin1');
    for (let at = 0; at < octets.length; at += 50_000) await writer.write(Buffer.from(octets.subarray(at, at + 50_000)));
    return { answer: await writer.end(factsOf(octets)), replies };
  }
  async function queued(): Promise<QueueEntry[]> {
    const all: QueueEntry[] = [];
    for await (const entry of store.list('all')) all.push(entry);
    return all;
  }
  async function textOf(entry: QueueEntry): Promise<string> {
    const content = await store.content({ id: entry.message.id, message: entry.message });
    assert.ok(content.kind === 'content', 'the digest is that of what is stored');
    const pieces: Uint8Array[] = [];
    for await (const piece of content.read()) pieces.push(piece);
    return Buffer.concat(pieces).toString('latin1');
  }
  return { send, queued, textOf, seen, clock, store, left: () => readdirSync(folder) };
}

test('what nobody objects to is queued as it came, small and large alike, and nothing is left beside the queue', async t => {
  const found: string[] = [];
  const box = desk(t, [filter(async message => {
    let octets = 0;
    for await (const chunk of message.content()) octets += chunk.length;
    found.push(`${octets} of ${message.facts.sizeOctets}`);
    return looked();
  })]);
  const large = `${GOOD}${'A line of text that is long.\r\n'.repeat(40_000)}`;
  assert.ok(large.length > 3 * MEMORY_OCTETS);
  for (const text of [GOOD, large]) assert.equal((await box.send(text)).answer.kind, 'queued');
  assert.deepEqual(found, [`${GOOD.length} of ${GOOD.length}`, `${large.length} of ${large.length}`]);
  const [small, big] = await box.queued();
  assert.ok(small !== undefined && big !== undefined);
  assert.ok((await box.textOf(small)).endsWith(`\r\n${GOOD}`));
  assert.ok((await box.textOf(big)).endsWith(`\r\n${large}`));
  // The disk takes its own time to forget a file.
  for (let n = 0; n < 2000 && box.left().length > 0; n++) await box.clock.settle();
  assert.deepEqual(box.left(), []);
});

test('nothing is in the queue while a filter looks, and a refusal leaves nothing', async t => {
  const during: number[] = [];
  const box = desk(t, [filter(async message => {
    during.push((await box.queued()).length);
    return looked({ verdicts: forAll(message, refuse('contentRefused', { text: 'No' })) });
  }), filter(() => assert.fail('a refusal ends it'))]);
  const { answer } = await box.send(GOOD);
  assert.ok(answer.kind === 'refused');
  assert.deepEqual([answer.reply, answer.status, answer.text, answer.why], [554, '5.7.1', 'No', 'refused by filter one']);
  assert.deepEqual(during, [0]);
  assert.deepEqual(await box.queued(), []);
});

test('added fields stand behind our Received and before what came; the rest keeps its octets', async t => {
  const box = desk(t, [filter(() => Promise.resolve(looked({ addFields: [{ name: 'X-One', value: '1' }, { name: 'X-Two', value: 'a\r\n\tb' }] })))]);
  await box.send(GOOD);
  const [entry] = await box.queued();
  const text = await box.textOf(entry as QueueEntry);
  assert.match(text, /^Received: [^]*\r\nX-One: 1\r\nX-Two: a\r\n\tb\r\nDate: x\r\n/);
  assert.ok(text.endsWith(GOOD));
});

test('changes are made by offset, the next filter sees them, and the facts are those of the result', async t => {
  const later: string[] = [];
  const box = desk(t, [
    filter(() => Promise.resolve(looked({
      changes: [{ kind: 'field', name: 'subject', nth: 1, value: 'n\u00e9w' }, { kind: 'field', name: 'Date', nth: 1, value: null }, { kind: 'append', field: { name: 'X-Last', value: 'z' } }, { kind: 'recipient', address: addressOf('c@here.example') }],
    })), { name: 'first' }),
    filter(async message => {
      for await (const chunk of message.content()) later.push(Buffer.from(chunk).toString());
      const body = message.hold();
      void body.write(Buffer.from('other\r\n'));
      return looked({ changes: [{ kind: 'body', octets: body }, { kind: 'drop', address: addressOf('b@here.example') }] });
    }, { name: 'second' }),
  ]);
  assert.equal((await box.send(GOOD)).answer.kind, 'queued');
  assert.equal(later.join(''), 'Message-ID: <1@x>\r\nTo: b@here.example\r\nSubject: n\u00e9w\r\nX-Last: z\r\n\r\nbody\r\n');
  const [entry] = await box.queued();
  assert.ok(entry !== undefined);
  assert.ok(Buffer.from(await box.textOf(entry), 'latin1').toString().endsWith('X-Last: z\r\n\r\nother\r\n'));
  assert.deepEqual(entry.message.recipients.map(({ address, notify }) => [address, notify]), [['c@here.example', 'never']]);
  assert.ok(entry.message.facts.has8bit && entry.message.envelope.body === '8bitmime', 'a next hop must know');
});

test('absent, late, broken: its own policy decides, and never a refusal for good', async t => {
  const rows: readonly (readonly [string, Filter['inspect']])[] = [
    ['says so', () => Promise.resolve({ kind: 'absent', why: 'not there' })],
    ['throws', () => Promise.reject(new Error('ECONNREFUSED'))],
    ['a change that cannot be', () => Promise.resolve(looked({ changes: [{ kind: 'nonsense' } as never] }))],
  ];
  for (const [name, inspect] of rows) {
    const deferring = desk(t, [filter(inspect)]);
    const { answer } = await deferring.send(GOOD);
    assert.ok(answer.kind === 'refused' && answer.reply === 432 && answer.status === '4.3.0', name);
    assert.deepEqual(deferring.seen, ['one absent']);
    const passing = desk(t, [filter(inspect, { whenAbsent: 'pass' }), filter(() => Promise.resolve(looked()), { name: 'two' })]);
    assert.equal((await passing.send(GOOD)).answer.kind, 'queued', name);
    assert.deepEqual(passing.seen, ['one absent', 'two pass'], name);
  }
});

test('a filter that never answers is given up at its limit, and told so', async t => {
  let told = false;
  const box = desk(t, [filter((_message, signal) => new Promise(() => signal.addEventListener('abort', () => { told = true; })))]);
  const sent = box.send(GOOD);
  await box.clock.runTo(box.clock.now() + 999);
  assert.equal(told, false);
  await box.clock.runTo(box.clock.now() + 2);
  const { answer } = await sent;
  assert.ok(answer.kind === 'refused' && answer.reply === 432);
  assert.ok(told);
});

test('all filters together have eight minutes, however many there are', async t => {
  const slow = () => filter(() => new Promise(() => undefined), { timeoutMs: 300_000, whenAbsent: 'pass' });
  const box = desk(t, [slow(), slow(), slow()]);
  const start: Instant = box.clock.now();
  const sent = box.send(GOOD);
  await box.clock.runTo(start + 480_001);
  assert.equal((await sent).answer.kind, 'queued');
});

test('what is set aside is accepted, and never goes on by itself', async t => {
  const box = desk(t, [filter(message => Promise.resolve(looked({ verdicts: forAll(message, { kind: 'quarantine', why: 'score 9' }) })))]);
  assert.equal((await box.send(GOOD)).answer.kind, 'queued');
  const [entry] = await box.queued();
  assert.deepEqual([entry?.state, entry?.why], ['quarantined', 'score 9']);
  assert.deepEqual(await box.store.claim({ now: box.clock.now(), limit: 10, leaseMs: 1000 }), []);
});

test('a message of several entries is set aside whole, those that nobody is left in apart', async t => {
  const box = desk(t, [filter(message => Promise.resolve(looked({ verdicts: new Map([...message.recipients].map(([id, address]) => [id, address.startsWith('no') ? refuse('contentRefused') : { kind: 'quarantine', why: 'odd' }])) })))], [], 2);
  const { answer } = await box.send(GOOD, { to: ['a@here.example', 'b@here.example', 'no1@here.example', 'no2@here.example', 'c@here.example'], exdata: true });
  assert.ok(answer.kind === 'queued');
  assert.deepEqual((await box.queued()).map(one => [one.state, one.message.recipients.map(({ address }) => address).join(' ')]), [['quarantined', 'a@here.example b@here.example'], ['quarantined', 'c@here.example']]);
});

test('size limits and final answers spare later filters; whitelisted mail spares the optional ones', async t => {
  const yes = (name: string, own: Partial<Placed> = {}) => filter(() => Promise.resolve(looked()), { name, ...own });
  const big = desk(t, [yes('small', { largestOctets: 10 }), yes('all')]);
  await big.send(GOOD);
  assert.deepEqual(big.seen, ['small unseen', 'all pass']);
  const last = desk(t, [filter(() => Promise.resolve(looked({ final: true }))), yes('never')]);
  await last.send(GOOD);
  assert.deepEqual(last.seen, ['one pass']);
  const whitelist: Check = { name: 'rcptfilter', stage: 'rcpt', judge: ({ recipient }) => (recipient?.startsWith('w') === true ? { kind: 'pass', filtering: 'whitelisted' } : { kind: 'pass' }) };
  const listed = desk(t, [yes('optional', { optional: true }), yes('all')], [whitelist]);
  await listed.send(GOOD, { to: ['w1@here.example', 'w2@here.example'] });
  assert.deepEqual(listed.seen.splice(0), ['all pass']);
  await listed.send(GOOD, { to: ['w1@here.example', 'b@here.example'] });
  assert.deepEqual(listed.seen, ['optional pass', 'all pass'], 'one of them is not whitelisting');
});

test('one answer for all: who may refuse the content alone is alone; with EXDATA each hears its own', async t => {
  const recipes: Check = { name: 'rcptfilter', stage: 'rcpt', judge: ({ recipient }) => (recipient?.startsWith('f') === true ? { kind: 'pass', filtering: 'filtered' } : { kind: 'pass' }) };
  const refusing = filter(message => Promise.resolve(looked({ verdicts: new Map([...message.recipients].filter(([, address]) => address.startsWith('f2')).map(([id]) => [id, refuse('contentRefused')])) })));
  const box = desk(t, [refusing], [recipes]);
  assert.deepEqual((await box.send(GOOD, { to: ['f1@here.example', 'f3@here.example', 'b@here.example'] })).replies, ['taken', '452', '452']);
  assert.deepEqual((await box.send(GOOD, { to: ['b@here.example', 'c@here.example', 'f1@here.example'] })).replies, ['taken', 'taken', '452']);
  const { answer, replies } = await box.send(GOOD, { to: ['f1@here.example', 'f2@here.example', 'b@here.example'], exdata: true });
  assert.deepEqual(replies, ['taken', 'taken', 'taken']);
  assert.ok(answer.kind === 'queued');
  assert.deepEqual([...answer.refused].map(([place, refusal]) => [place, refusal.reply]), [[1, 554]]);
  assert.deepEqual((await box.queued()).at(-1)?.message.recipients.map(({ address }) => address), ['f1@here.example', 'b@here.example']);
});

test('without a filter content goes straight into the draft, the very same octets, and nothing is examined', async () => {
  const clock = createHandClock();
  const store = createMemoryQueue({ clock, kernels });
  const written: Uint8Array[] = [];
  const intake = createIntake({
    store: { ...store, begin: (...given) => {
      const draft = store.begin(...given);
      return { ...draft, write: chunk => {
        written.push(chunk);
        return draft.write(chunk);
      } };
    } },
    clock, checks: [], variables: () => new Map(), log: silent, metrics: createMetrics(),
    trace: createTraceFields({ me: 'gate.example', messageIdHost: 'gate.example' }),
    limits: { headerOctets: 100_000, receivedFields: 100, sizeOctets: 0, submitDelayMs: 0 },
    filtering: { open: () => null },
  });
  const transaction = await intake.open(origin);
  assert.ok(transaction.kind === 'open');
  await transaction.mail(addressOf('a@there.example'), {});
  await transaction.rcpt(addressOf('b@here.example'), {});
  const writer = await transaction.data();
  assert.ok(writer.kind === 'writer');
  const chunk = Buffer.from(GOOD);
  assert.equal(writer.write(chunk), undefined);
  assert.equal(written[0], chunk, 'before the end, and not a copy');
  assert.equal((await writer.end(factsOf(chunk))).kind, 'queued');
  assert.equal(written.length, 1);
});
