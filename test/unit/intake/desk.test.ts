import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Address, Origin } from '../../../src/core/envelope.ts';
import type { ContentWriter, MailOptions, RcptOptions, Transaction } from '../../../src/core/intake.ts';
import { silent } from '../../../src/core/log.ts';
import { pass, type Check } from '../../../src/core/policy.ts';
import type { QueueEntry, QueueStore } from '../../../src/core/queue-store.ts';
import { refuse } from '../../../src/core/status.ts';
import { createIntake, type IntakeOptions } from '../../../src/flow/intake/index.ts';
import { createMemoryQueue } from '../../../src/flow/queue/index.ts';
import { createTraceFields } from '../../../src/flow/rewrite/index.ts';
import { parseAddress } from '../../../src/grammar/address.ts';
import { openKernels } from '../../../src/kit/wasm/kernels.ts';
import { createMetrics } from '../../../src/kit/metrics.ts';
import { createHandClock } from '../../props/hand-clock.ts';

const kernels = openKernels();
const origin: Origin = { source: 'esmtp', protocol: 'ESMTPS', remoteAddress: '192.0.2.9', remoteName: 'there.example', helo: 'there.example', at: 0 };
const GOOD = 'Date: x\r\nMessage-ID: <1@x>\r\nTo: b@here.example\r\n\r\nbody\r\n';

function address(text: string): Address {
  const parsed = parseAddress(text);
  assert.ok(parsed !== null, text);
  return parsed;
}

function desk(own: Partial<IntakeOptions> & { capacityOctets?: number } = {}) {
  const clock = createHandClock();
  const { capacityOctets, ...options } = own;
  const store: QueueStore = createMemoryQueue({ clock, kernels, ...(capacityOctets === undefined ? {} : { capacityOctets }) });
  const intake = createIntake({
    store, clock, checks: [], variables: () => new Map(), log: silent, metrics: createMetrics(),
    trace: createTraceFields({ me: 'gate.example', messageIdHost: 'gate.example' }),
    limits: { headerOctets: 100_000, receivedFields: 100, sizeOctets: 1_000_000, submitDelayMs: 0 },
    ...options,
  });
  return { store, intake, clock };
}

async function open(intake: ReturnType<typeof desk>['intake'], from: Origin = origin): Promise<Transaction> {
  const transaction = await intake.open(from);
  assert.ok(transaction.kind === 'open');
  return transaction;
}

async function send(intake: ReturnType<typeof desk>['intake'], text: string, own: { from?: Origin; mail?: MailOptions; rcpt?: RcptOptions; to?: readonly string[] } = {}) {
  const transaction = await open(intake, own.from);
  const mail = await transaction.mail(address('a@there.example'), own.mail ?? {});
  if (mail.kind === 'refused') return mail;
  for (const to of own.to ?? ['b@here.example']) {
    const rcpt = await transaction.rcpt(address(to), own.rcpt ?? {});
    if (rcpt.kind === 'refused') return rcpt;
  }
  const writer = await transaction.data();
  return writer.kind === 'refused' ? writer : finish(writer, text);
}

async function finish(writer: ContentWriter, text: string) {
  const scan = kernels.openScan();
  // In pieces, as a socket brings it.
  for (let at = 0; at < text.length; at += 1000) {
    const chunk = Buffer.from(text.slice(at, at + 1000), 'latin1');
    scan.feed(chunk);
    await writer.write(chunk);
  }
  return writer.end(scan.facts());
}

async function queued(store: QueueStore): Promise<QueueEntry[]> {
  const all: QueueEntry[] = [];
  for await (const entry of store.list('all')) all.push(entry);
  return all;
}

test('a message is queued with our trace before it and itself untouched', async () => {
  const { intake, store } = desk();
  const answer = await send(intake, GOOD);
  assert.ok(answer.kind === 'queued');
  const [entry] = await queued(store);
  assert.ok(entry !== undefined && entry.message.id === answer.id);
  const content = await store.content({ id: entry.message.id, message: entry.message });
  assert.ok(content.kind === 'content');
  const pieces: Uint8Array[] = [];
  for await (const piece of content.read()) pieces.push(piece);
  const text = Buffer.concat(pieces).toString();
  assert.ok(text.endsWith(`\r\n${GOOD}`), text);
  assert.match(text, new RegExp(`^Received: from there\\.example \\(there\\.example \\[192\\.0\\.2\\.9\\]\\)\r\n  by gate\\.example with ESMTPS\r\n  id ${answer.id}\r\n  for <b@here\\.example>;\r\n  \\w{3}, \\d\\d \\w{3} \\d{4} [\\d:]{8} [+-]\\d{4}\r\nDate: x`));
});

test('with several recipients none is named to the others', async () => {
  const { intake, store } = desk();
  await send(intake, GOOD, { to: ['b@here.example', 'c@here.example'] });
  assert.ok(!Buffer.from((await queued(store))[0]?.message.trace ?? []).toString().includes('for <'));
});

test('what a peer says of itself can neither end a line nor close the comment', async () => {
  const { intake, store } = desk();
  await send(intake, GOOD, { from: { ...origin, helo: 'x\r\nBcc: evil@x (', remoteName: 'y)\r\nz' } });
  const trace = Buffer.from((await queued(store))[0]?.message.trace ?? []).toString();
  assert.equal(trace.match(/\r\n(?! )/g)?.length, 1, trace);
  assert.ok(!/^Bcc:/m.test(trace));
});

test('a submission gets what it must have and lacks, a relayed message does not', async () => {
  const { intake, store } = desk();
  await send(intake, 'Subject: x\r\n\r\nbody\r\n', { from: { ...origin, source: 'submission' } });
  await send(intake, 'Subject: x\r\n\r\nbody\r\n');
  const [submitted, relayed] = (await queued(store)).map(one => Buffer.from(one.message.trace).toString());
  assert.match(submitted ?? '', /\r\nMessage-ID: <[^>]+@gate\.example>\r\nDate: .*\r\nTo: undisclosed-recipients:;\r\n$/);
  assert.ok(!/Message-ID|\r\nDate|To:/.test(relayed ?? ''));
});

test('each refusal of content is the right one, and leaves nothing behind', async () => {
  const { intake, store } = desk();
  const hops = (n: number) => `${'Received: by x\r\n'.repeat(n)}\r\nbody\r\n`;
  const rows: readonly (readonly [string, string])[] = [
    [hops(101), '554 5.4.6'],
    [`${'received : by x\r\n'.repeat(101)}\r\nbody\r\n`, '554 5.4.6'],
    [`X: ${'y'.repeat(900)}\r\n`.repeat(120) + '\r\nbody\r\n', '554 5.3.4'],
    [`${GOOD}${'x'.repeat(1_000_000)}`, '552 5.3.4'],
  ];
  for (const [text, want] of rows) {
    const answer = await send(intake, text);
    assert.ok(answer.kind === 'refused', want);
    assert.equal(`${answer.reply} ${answer.status}`, want);
  }
  assert.equal((await send(intake, hops(100))).kind, 'queued');
  assert.equal((await queued(store)).length, 1);
});

test('limits of header and lines are the connection\'s own, and too many fields are too many', async () => {
  const row = async (text: string, variables: Readonly<Record<string, string>>, limits: object = {}) => {
    const { intake } = desk({ variables: () => new Map(Object.entries(variables)), limits: { headerOctets: 100_000, receivedFields: 100, fields: 500, sizeOctets: 1_000_000, submitDelayMs: 0, ...limits } });
    const answer = await send(intake, text);
    return answer.kind === 'refused' ? `${answer.reply} ${answer.status} ${answer.text}` : answer.kind;
  };
  assert.match(await row(`X: ${'y'.repeat(900)}\r\n`.repeat(4) + '\r\n', { BOFHHEADERLIMIT: '2000' }), /^554 5\.3\.4 /);
  assert.equal(await row(`X: ${'y'.repeat(900)}\r\n\r\n`, { BOFHHEADERLIMIT: '1' }), 'queued', 'never less than a thousand');
  assert.match(await row(`X: y\r\n\r\n${'x'.repeat(5001)}\r\n`, { BOFHLINELIMIT: '5000' }), /^554 5\.6\.0 Message has a line/);
  assert.equal(await row(`X: y\r\n\r\n${'x'.repeat(5000)}\r\n`, { BOFHLINELIMIT: '5000' }), 'queued');
  assert.equal(await row(`X: y\r\n\r\n${'x'.repeat(5001)}\r\n`, {}), 'queued');
  assert.match(await row(`${'X: y\r\n'.repeat(501)}\r\n`, {}), /^554 5\.6\.0 Too many header fields/);
  assert.equal(await row(`${'X: y\r\n folded\r\n'.repeat(500)}\r\n`, {}), 'queued');
});

test('binary mail has lines in its header, and none that anybody measures behind it', async () => {
  const { intake, store } = desk({ variables: () => new Map([['BOFHLINELIMIT', '1000']]) });
  const binary = async (text: string) => {
    const answer = await send(intake, text, { mail: { body: 'binarymime' } });
    return answer.kind === 'refused' ? `${answer.reply} ${answer.status}` : answer.kind;
  };
  assert.equal(await binary(`Subject: x\r\n\r\n\0\n\r${'x'.repeat(5000)}`), 'queued');
  assert.deepEqual((await queued(store)).map(({ message }) => message.envelope.body), ['binarymime']);
  for (const header of ['Subject: x\nX: y\r\n\r\n', 'Subject: x\n\nbody', 'Subject: x\rX: y\r\n\r\n', 'Subject: x\0\r\n\r\n', '\nSubject: x\r\n\r\n']) assert.equal(await binary(`${header}body`), '550 5.6.11', JSON.stringify(header));
  assert.match(await binary(`X: ${'y'.repeat(900)}\r\n`.repeat(150) + '\r\n'), /^554 5\.3\.4/);
});

test('NOADDMSGID and NOADDDATE say what is added, to whom they are said', async () => {
  const traceOf = async (source: Origin['source'], variables: Readonly<Record<string, string>>) => {
    const { intake, store } = desk({ variables: () => new Map(Object.entries(variables)) });
    await send(intake, 'Subject: x\r\n\r\nbody\r\n', { from: { ...origin, source } });
    const [only] = await queued(store);
    return (Buffer.from(only?.message.trace ?? []).toString().match(/^(?:Message-ID|Date|To)(?=:)/gm) ?? []).join();
  };
  assert.equal(await traceOf('submission', { NOADDMSGID: '1' }), 'Date,To');
  assert.equal(await traceOf('submission', { NOADDMSGID: '1', NOADDDATE: '1' }), 'To');
  assert.equal(await traceOf('esmtp', { NOADDMSGID: '0', NOADDDATE: 'NO' }), 'Message-ID,Date');
  assert.equal(await traceOf('esmtp', { NOADDMSGID: '1' }), '');
});

test('the declared size is refused before it is sent; SIZELIMIT of the client\'s network overrules, 0 lifts it', async () => {
  assert.deepEqual((await send(desk().intake, GOOD, { mail: { sizeOctets: 2_000_000 } })).kind, 'refused');
  const { intake } = desk({ variables: () => new Map([['SIZELIMIT', '0']]) });
  assert.equal((await send(intake, GOOD, { mail: { sizeOctets: 2_000_000 } })).kind, 'queued');
});

test('a full store is 452, at MAIL and at DATA, and nothing is lost when there is room again', async () => {
  const { intake, store } = desk({ capacityOctets: 500 });
  const answer = await send(intake, `${GOOD}${'x'.repeat(1000)}`, { mail: { sizeOctets: 1000 } });
  assert.ok(answer.kind === 'refused');
  assert.deepEqual([answer.reply, answer.status], [452, '4.3.1']);
  assert.equal((await queued(store)).length, 0);
});

test('checks are asked in order, the first refusal stands, and a late answer is waited for', async () => {
  const asked: string[] = [];
  const check = (name: string, stage: Check['stage'], late: boolean, refused: boolean): Check => ({
    name, stage,
    judge: () => {
      asked.push(name);
      const verdict = refused ? refuse('relayDenied') : pass;
      return late ? Promise.resolve(verdict) : verdict;
    },
  });
  const { intake } = desk({ checks: [check('m', 'mail', true, false), check('r1', 'rcpt', false, false), check('r2', 'rcpt', true, true), check('r3', 'rcpt', false, false)] });
  const answer = await send(intake, GOOD);
  assert.ok(answer.kind === 'refused' && answer.status === '5.7.1');
  assert.deepEqual(asked, ['m', 'r1', 'r2']);
});

test('a recipient that is rewritten keeps what the sender wrote, for the report', async () => {
  const { intake, store } = desk({ resolve: () => address('real@here.example') });
  await send(intake, GOOD);
  assert.deepEqual((await queued(store))[0]?.message.recipients.map(one => [one.address, one.original]), [['real@here.example', 'rfc822;b@here.example']]);
});

test('VERP: who stands behind an alias, even alone, is not reported on; the alias is, as taken', async () => {
  const { intake, store } = desk({ resolve: () => ({ kind: 'members', members: [address('real@here.example')] }) });
  const rcpt = { notify: ['success', 'failure'], original: 'rfc822;list@here.example' } as const;
  await send(intake, GOOD, { mail: { verp: true }, rcpt });
  await send(intake, GOOD, { rcpt });
  const [asked, plain] = (await queued(store)).map(({ message }) => message);
  assert.deepEqual(asked?.recipients.map(({ address: to, notify, expanded }) => [to, notify, expanded]), [['b@here.example', ['success'], true], ['real@here.example', 'never', undefined]]);
  assert.equal(asked.envelope.verp, true);
  assert.deepEqual(plain?.recipients.map(({ address: to, notify }) => [to, notify]), [['real@here.example', ['success', 'failure']]]);
});

test('content of 8 bits is called so whatever BODY said', async () => {
  const { intake, store } = desk();
  await send(intake, `${GOOD}\xe4\r\n`, { mail: { body: '7bit' } });
  assert.equal((await queued(store))[0]?.message.envelope.body, '8bitmime');
});

test('offered twice under one key, a message is queued once', async () => {
  const { intake, store } = desk();
  const once = async () => {
    const transaction = await intake.open({ ...origin, source: 'dsn' }, { idempotencyKey: 'PARENT:final' });
    assert.ok(transaction.kind === 'open');
    await transaction.mail(null, {});
    await transaction.rcpt(address('a@there.example'), {});
    const writer = await transaction.data();
    assert.ok(writer.kind === 'writer');
    return finish(writer, GOOD);
  };
  const [first, second] = [await once(), await once()];
  assert.ok(first.kind === 'queued' && second.kind === 'queued' && first.id === second.id);
  assert.equal((await queued(store)).length, 1);
});

test('an aborted transaction leaves nothing, a new MAIL forgets the old one', async () => {
  const { intake, store } = desk();
  const transaction = await open(intake);
  await transaction.mail(address('a@there.example'), {});
  await transaction.rcpt(address('b@here.example'), {});
  const writer = await transaction.data();
  assert.ok(writer.kind === 'writer');
  await writer.write(Buffer.from(GOOD));
  transaction.abort();
  await transaction.mail(address('a@there.example'), {});
  const none = await transaction.data();
  assert.ok(none.kind === 'refused' && none.status === '5.5.1');
  assert.equal((await queued(store)).length, 0);
});

test('what a check found stands in the header and is known to those after it; the next message starts anew', async () => {
  const seen: (string | undefined)[] = [];
  let messages = 0;
  const finder: Check = {
    name: 'finder', stage: 'mail',
    judge: () => (messages++ === 0 ? { kind: 'pass', variables: new Map([['FOUND', 'yes']]), fields: [{ name: 'X-Above', value: '1', place: 'above' }, { name: 'X-Below', value: '2', place: 'below' }] } : pass),
  };
  const reader: Check = { name: 'reader', stage: 'rcpt', judge: async ({ variables }) => { seen.push(variables.get('FOUND')); return Promise.resolve(pass); } };
  const { intake, store } = desk({ checks: [finder, reader] });
  const transaction = await open(intake);
  for (let n = 0; n < 2; n++) {
    await transaction.mail(address('a@there.example'), {});
    await transaction.rcpt(address('b@here.example'), {});
    const writer = await transaction.data();
    assert.ok(writer.kind === 'writer');
    assert.equal((await finish(writer, GOOD)).kind, 'queued');
  }
  assert.deepEqual(seen, ['yes', undefined]);
  const traces = (await queued(store)).map(({ message }) => message);
  const texts: string[] = [];
  for (const message of traces) {
    const content = await store.content({ id: message.id, message });
    assert.ok(content.kind === 'content');
    const pieces: Uint8Array[] = [];
    for await (const piece of content.read()) pieces.push(piece);
    texts.push(Buffer.concat(pieces).toString());
  }
  assert.match(texts[0] ?? '', /^X-Above: 1\r\nReceived: from[^]*\r\nX-Below: 2\r\nDate: x\r\n/);
  assert.match(texts[1] ?? '', /^Received: from/);
});

test('a check at the end of the content sees the recipients and the header, and its refusal leaves nothing', async () => {
  let header = '';
  const last: Check = { name: 'last', stage: 'data', judge: facts => { header = Buffer.from(facts.header ?? []).toString(); return refuse('spamTrap', { why: `${facts.recipients?.length} recipients` }); } };
  const { intake, store } = desk({ checks: [last] });
  const answer = await send(intake, GOOD, { to: ['b@here.example', 'c@here.example'] });
  assert.ok(answer.kind === 'refused' && answer.why === '2 recipients');
  assert.equal(header, GOOD.slice(0, GOOD.indexOf('\r\n\r\n') + 4));
  assert.deepEqual(await queued(store), []);
});

test('the connection\'s own variables win over those of the rules', async () => {
  const { intake } = desk({ variables: () => new Map([['SIZELIMIT', '1']]) });
  const transaction = await intake.open(origin, { variables: new Map([['SIZELIMIT', '500']]) });
  assert.ok(transaction.kind === 'open');
  assert.equal((await transaction.mail(null, { sizeOctets: 400 })).kind, 'taken');
  assert.equal((await transaction.mail(null, { sizeOctets: 600 })).kind, 'refused');
});
