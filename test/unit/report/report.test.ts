import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Address, Notify, RecipientId } from '../../../src/core/envelope.ts';
import type { Outcome } from '../../../src/core/outcome.ts';
import { refuse } from '../../../src/core/status.ts';
import { newsOf, openCase, type Case } from '../../props/report-case.ts';
import { factsOf } from '../../props/plain-store.ts';

const failed: Outcome = { kind: 'failed', status: '5.1.1' };
const waiting: Outcome = { kind: 'deferred', status: '4.4.1', blame: 'nexthop' };
const arrived: Outcome = { kind: 'delivered', status: '2.0.0' };
const passedOn: Outcome = { kind: 'relayed', status: '2.0.0' };
const handedOver: Outcome = { kind: 'relayed', status: '2.0.0', dsnHandedOver: true };

const duties: readonly (readonly [Case['kind'], Notify | undefined, Outcome, told: boolean])[] = [
  ['final', undefined, failed, true],
  ['final', ['failure'], failed, true],
  ['final', ['failure', 'delay'], failed, true],
  ['final', ['success'], failed, false],
  ['final', ['delay'], failed, false],
  ['final', 'never', failed, false],
  ['final', undefined, arrived, false],
  ['final', ['failure'], arrived, false],
  ['final', ['success'], arrived, true],
  ['final', ['success'], passedOn, true],
  ['final', ['success'], handedOver, false],
  ['final', ['success'], { kind: 'expanded', status: '2.0.0' }, true],
  ['final', ['success', 'failure', 'delay'], waiting, false],
  ['delay', undefined, waiting, true],
  ['delay', ['delay'], waiting, true],
  ['delay', ['failure'], waiting, false],
  ['delay', ['success', 'failure'], waiting, false],
  ['delay', 'never', waiting, false],
];

test('the sender hears what NOTIFY asks for, and nothing else', async () => {
  for (const [kind, notify, outcome, told] of duties) {
    const { desk, reporter } = openCase();
    const news = newsOf({ ...(kind === undefined ? {} : { kind }), recipients: [{ outcome, ...(notify === undefined ? {} : { notify }) }], content: 'Subject: x\n\n' });
    assert.equal(await reporter.report(news), 'settled');
    assert.deepEqual(desk.queued.map(({ to, from }) => ({ to, from })), told ? [{ to: ['sender@here.example'], from: null }] : [], JSON.stringify([kind, notify, outcome]));
  }
});

test('VERP: one report about all goes to the sender as he is, never to the addresses that recipients saw', async () => {
  const { desk, reporter } = openCase();
  await reporter.report(newsOf({ envelope: { verp: true }, recipients: [{ outcome: failed }, { outcome: failed }], content: 'Subject: x\n\n' }));
  assert.deepEqual(desk.queued.map(({ to }) => to), [['sender@here.example']]);
});

test('a report about mail that demanded TLS demands it too, and with REQUIRETLS returns no content', async () => {
  const secret = 'Subject: x\n\nthe secret itself\n';
  for (const [envelope, whole] of [[{ security: 'starttls' }, true], [{ requireTls: true, ret: 'full' }, false]] as const) {
    const { desk, reporter } = openCase();
    await reporter.report(newsOf({ envelope, recipients: [{ outcome: failed }], content: secret }));
    const [report] = desk.queued;
    assert.deepEqual([report?.options.security, report?.options.requireTls], ['security' in envelope ? 'starttls' : undefined, 'requireTls' in envelope ? true : undefined]);
    assert.equal(report?.octets.includes('the secret itself'), whole);
  }
});

test('without a sender the postmaster hears of failures only, and of a failed report to the postmaster nobody does', async () => {
  const origin = (protocol: string) => ({ reversePath: null, origin: { source: 'dsn', protocol, at: 0 } }) as const;
  const ask = async (one: Case) => {
    const { desk, reporter } = openCase();
    assert.equal(await reporter.report(newsOf({ content: 'Subject: x\n\n', ...one })), 'settled');
    return desk.queued;
  };
  assert.deepEqual(await ask({ kind: 'delay', envelope: origin('dsn'), recipients: [{ outcome: waiting }] }), []);
  assert.deepEqual(await ask({ envelope: origin('dsn'), recipients: [{ outcome: arrived, notify: ['success'] }] }), []);
  const [double] = await ask({ envelope: origin('dsn'), recipients: [{ outcome: failed }] });
  assert.deepEqual(double?.to, ['postmaster@gw.example']);
  assert.ok(double !== undefined);
  assert.deepEqual(await ask({ envelope: { reversePath: null, origin: double.origin }, recipients: [{ outcome: failed }] }), [], 'a triple bounce is dropped');
  const [foreign] = await ask({ envelope: { reversePath: null }, recipients: [{ outcome: failed }] });
  assert.deepEqual(foreign?.to, ['postmaster@gw.example'], "somebody else's report that cannot be delivered here");
});

test('asked twice, it queues once; about others, it queues again', async () => {
  const { desk, reporter } = openCase();
  const news = newsOf({ recipients: [{ outcome: failed }, { outcome: failed }], content: 'Subject: x\n\n' });
  await reporter.report(news);
  await reporter.report({ ...news, recipients: news.recipients.toReversed() });
  assert.equal(desk.queued.length, 1);
  assert.ok(desk.queued[0]?.key?.startsWith('01HQUEUEID:'), 'the key starts with the parent');
  await reporter.report({ ...news, recipients: news.recipients.slice(0, 1) });
  assert.equal(desk.queued.length, 2);
  const late = newsOf({ kind: 'delay', recipients: [{ outcome: waiting }, { outcome: waiting }], content: 'Subject: x\n\n' });
  await reporter.report(late);
  await reporter.report({ ...late, recipients: late.recipients.slice(1) });
  assert.equal(desk.queued.length, 3, 'one warning a message');
});

test('a door that is shut for now defers the report; one that never opens for the sender opens for the postmaster', async () => {
  const { desk, reporter } = openCase();
  const news = newsOf({ recipients: [{ outcome: failed }], content: 'Subject: x\n\n' });
  desk.refuse = () => refuse('queueFull');
  assert.equal(await reporter.report(news), 'deferred');
  assert.equal(desk.queued.length, 0);
  desk.refuse = to => (to === 'sender@here.example' ? refuse('noSuchMailbox') : null);
  assert.equal(await reporter.report(news), 'settled');
  assert.deepEqual(desk.queued.map(({ to, origin }) => [to, origin.protocol]), [[['postmaster@gw.example'], 'double-bounce']]);
  desk.refuse = () => refuse('noSuchMailbox');
  assert.equal(await reporter.report({ ...news, recipients: news.recipients.map(one => ({ ...one, id: 9 as RecipientId })) }), 'settled', 'nobody to tell must not keep the message for ever');
});

const partsOf = (octets: Buffer) => {
  const text = octets.toString('latin1');
  const boundary = /boundary="([^"]+)"/.exec(text)?.[1] ?? '';
  return { boundary, parts: text.split(`\r\n--${boundary}`) };
};

test('a message below the limit comes back whole, one at the limit its header only', async () => {
  const content = (octets: number) => `Subject: x\r\n\r\n${`${'y'.repeat(70)}\r\n`.repeat(1000)}`.slice(0, octets - 2).concat('\r\n');
  for (const [octets, whole] of [[999, true], [1000, false], [5000, false]] as const) {
    const { desk, reporter } = openCase({ dsnLimitOctets: 1000 });
    await reporter.report(newsOf({ recipients: [{ outcome: failed }], content: content(octets), trace: '' }));
    const part = partsOf(desk.queued[0]?.octets ?? Buffer.alloc(0)).parts[3] ?? '';
    assert.equal(part.includes('Content-Type: message/rfc822'), whole, `${octets}`);
    assert.equal(part.includes('Content-Type: text/rfc822-headers'), !whole, `${octets}`);
    assert.equal(part.includes('yyy'), whole);
    if (whole) assert.ok(part.endsWith(content(octets)), 'to the octet');
  }
});

test('the header is read no further than it is returned', async () => {
  const { desk, reporter } = openCase({ dsnLimitOctets: 1000 });
  const news = newsOf({ recipients: [{ outcome: failed }], content: `${'X-Field: value\n'.repeat(1000)}\nbody\n` });
  let read = 0;
  const content = {
    ...news.content, kind: 'content' as const, facts: news.message.facts, sizeOctets: 1e9,
    async *read() { for (;;) yield Buffer.from('X-Field: value\r\n'.repeat(read++ < 100 ? 10 : Number.NaN)); },
  };
  assert.equal(await reporter.report({ ...news, content }), 'settled');
  const { parts } = partsOf(desk.queued[0]?.octets ?? Buffer.alloc(0));
  assert.ok(read < 10, `${read} chunks read`);
  assert.ok((parts[3] ?? '').length < 1200);
  assert.ok(!(parts[3] ?? '').endsWith('X-Fie'), 'whole lines');
});

test('a boundary that the message knows is not used', async () => {
  const first = openCase();
  const about = { recipients: [{ outcome: failed }] };
  await first.reporter.report(newsOf({ ...about, content: 'Subject: x\n\n' }));
  const { boundary } = partsOf(first.desk.queued[0]?.octets ?? Buffer.alloc(0));
  const second = openCase();
  await second.reporter.report(newsOf({ ...about, content: `Subject: x\n\n--${boundary}--\n` }));
  assert.notEqual(partsOf(second.desk.queued[0]?.octets ?? Buffer.alloc(0)).boundary, boundary);
});

test('facts given with the report are of the report', async () => {
  const { desk, reporter } = openCase();
  await reporter.report(newsOf({ recipients: [{ outcome: failed }], content: 'Subject: x\n\nGrüße\n' }));
  const [queued] = desk.queued;
  assert.ok(queued !== undefined);
  assert.deepEqual(queued.facts, factsOf(queued.octets));
});

test('an operator may give the From field and the texts', async () => {
  const { desk, reporter } = openCase({ dsnFrom: '"Post"\r\nBcc: x <post@gw.example>', texts: { subjectNotice: 'NOTICE', failed: 'Pech gehabt ([#ME#]):' } });
  await reporter.report(newsOf({ recipients: [{ address: 'x@y.example' as Address, outcome: failed }], content: 'Subject: x\n\n' }));
  const text = desk.queued[0]?.octets.toString() ?? '';
  assert.match(text, /^From: "Post" Bcc: x <post@gw\.example>\r\n/);
  assert.match(text, /\r\nSubject: NOTICE\r\n/);
  assert.match(text, /\r\nPech gehabt \(gw\.example\):\r\n\r\n<x@y\.example>:\r\n/);
});
