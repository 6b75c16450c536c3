/** Who is asked to come again, who is known then, and that nobody can keep others out by filling the table. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGreylist } from '../../../src/flow/check/greylist.ts';
import { learnFromReport, createReportsCheck } from '../../../src/flow/check/reports-refused.ts';
import { createMemoryNotes } from '../../../src/flow/queue/index.ts';
import { parseAddress } from '../../../src/grammar/address.ts';
import { parseGreylist } from '../../../src/grammar/config/ways-in/greylist.ts';
import type { Envelope } from '../../../src/core/envelope.ts';
import type { Outcome } from '../../../src/core/outcome.ts';
import type { Facts } from '../../../src/core/policy.ts';
import { createFakeClock } from '../../props/fake-clock.ts';
import { linesOf, valueOf } from '../config/parsed-props.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;

interface Rcpt {
  readonly client?: string;
  readonly from?: string | null;
  readonly to?: string;
  readonly variables?: Record<string, string>;
  readonly origin?: Partial<Facts['origin']>;
}

function desk(text = '', most = 1000) {
  const clock = createFakeClock();
  const notes = createMemoryNotes(clock, most);
  const check = createGreylist({ notes, clock, settings: valueOf(parseGreylist(text)) });
  const say = async ({ client = '203.0.113.9', from = 'ann@there.example', to = 'bob@here.example', variables = {}, origin = {} }: Rcpt = {}): Promise<string> => {
    const recipient = parseAddress(to);
    assert.ok(recipient !== null);
    const verdict = await check.judge({
      origin: { source: 'esmtp', protocol: 'ESMTP', remoteAddress: client, at: clock.now(), ...origin },
      variables: new Map(Object.entries({ GREYLIST: '1', ...variables })), reversePath: from === null ? null : parseAddress(from), recipient,
    });
    return verdict.kind === 'refused' ? `${verdict.reply} ${verdict.status}` : 'pass';
  };
  return { clock, notes, say };
}

test('the first attempt waits; the second passes when it is neither too soon nor too late', async () => {
  const { clock, say } = desk();
  assert.equal(await say(), '451 4.7.1');
  await clock.advance(4 * MINUTE);
  assert.equal(await say(), '451 4.7.1', 'too soon');
  await clock.advance(MINUTE);
  assert.equal(await say({ client: '203.0.113.77' }), 'pass', 'a neighbour is the same sender\'s other server');
  assert.equal(await say(), 'pass');
  for (const other of [{ client: '203.0.114.9' }, { from: 'eve@there.example' }, { to: 'carl@here.example' }, { from: null }]) assert.equal(await say(other), '451 4.7.1');
  await clock.advance(34 * DAY);
  assert.equal(await say(), 'pass');
  await clock.advance(34 * DAY);
  assert.equal(await say(), 'pass', 'each message keeps it known');
  await clock.advance(36 * DAY);
  assert.equal(await say(), '451 4.7.1');
  await clock.advance(3 * DAY);
  assert.equal(await say(), '451 4.7.1', 'who comes too late is new');
});

test('a sender that differs in numbers only is the same one', async () => {
  const { clock, say } = desk();
  assert.equal(await say({ from: 'list-12345-ab3f@lists.example' }), '451 4.7.1');
  await clock.advance(5 * MINUTE);
  assert.equal(await say({ from: 'list-777-09cc@lists.example' }), 'pass');
});

test('a network of which five came again is known altogether', async () => {
  const { clock, say } = desk();
  for (let n = 0; n < 5; n++) assert.equal(await say({ to: `u${'abcde'[n]}@here.example` }), '451 4.7.1');
  await clock.advance(5 * MINUTE);
  for (let n = 0; n < 5; n++) assert.equal(await say({ to: `u${'abcde'[n]}@here.example` }), 'pass');
  assert.equal(await say({ from: 'new@other.example', to: 'new@here.example' }), 'pass');
  const never = desk('known 0\nwait 0s\n');
  for (let n = 0; n < 20; n++) assert.equal(await never.say({ to: `u${'abcdefghijklmnopqrst'[n]}@here.example` }), '451 4.7.1');
});

test('it is an option, and not for logins, relay clients, submission, and those who are listed', async () => {
  const { say } = desk('client 198.51.100.0/24\nclient .good.example\nsender @friends.example\nrecipient postmaster@here.example\n');
  const passing: readonly Rcpt[] = [
    { variables: { GREYLIST: '0' } }, { variables: { GREYLIST: '' } }, { origin: { login: 'ann' } }, { origin: { relayClient: '' } }, { origin: { source: 'submission' } },
    { client: '198.51.100.4' }, { origin: { remoteName: 'out.good.example' } }, { from: 'x@friends.example' }, { to: 'postmaster@here.example' }, { variables: { ALLOW_0: 'BLOCK' } },
  ];
  for (const one of passing) assert.equal(await say(one), 'pass', JSON.stringify(one));
  assert.equal(await say({ origin: { remoteName: 'notgood.example' } }), '451 4.7.1');
});

test('when the table is full, strangers pass', async () => {
  const { say } = desk('', 3);
  for (let n = 0; n < 3; n++) assert.equal(await say({ to: `u${'abc'[n]}@here.example` }), '451 4.7.1');
  assert.equal(await say({ to: 'd@here.example' }), 'pass');
});

test('the file says what is wrong with it', () => {
  for (const bad of ['wait', 'wait x', 'within 1d 2d', 'client', 'client -', 'sender nobody', 'known -1', 'waits 5m', 'blocks 24 64 1']) assert.deepEqual(linesOf(parseGreylist(`\n${bad}`)), [2], bad);
  assert.equal(linesOf(parseGreylist('wait 5m\nwithin 5m\n')).length, 1);
});

test('a domain that refuses our reports at MAIL is refused for as long as BOFHDSNREFUSED says, until one gets through', async () => {
  const clock = createFakeClock();
  const notes = createMemoryNotes(clock);
  const check = createReportsCheck(notes, clock);
  const report: Envelope = { reversePath: null, body: '7bit', smtputf8: false, origin: { source: 'dsn', protocol: 'dsn', at: 0 } };
  const ann = parseAddress('ann@there.example');
  assert.ok(ann !== null);
  const outcome = (command: string): Outcome => ({ kind: 'failed', status: '5.7.1', said: { type: 'smtp', text: '550 no reports', command } });
  const mail = async (variables: Record<string, string>, origin: object = {}): Promise<string> => {
    const verdict = await check.judge({ origin: { source: 'esmtp', protocol: 'ESMTP', remoteAddress: '203.0.113.9', at: 0, ...origin }, variables: new Map(Object.entries(variables)), reversePath: ann });
    return verdict.kind === 'refused' ? `${verdict.reply}` : verdict.kind;
  };
  learnFromReport(notes, clock, report, ann, outcome('RCPT TO:<ann@there.example>'));
  learnFromReport(notes, clock, { ...report, origin: { ...report.origin, source: 'esmtp' }, reversePath: ann }, ann, outcome('MAIL FROM:<>'));
  assert.equal(await mail({ BOFHDSNREFUSED: '1d' }), 'pass', 'no such mailbox, or mail of others: nothing is learnt');
  learnFromReport(notes, clock, report, ann, outcome('MAIL FROM:<>'));
  assert.equal(await mail({ BOFHDSNREFUSED: '1d' }), '550');
  for (const variables of [{}, { BOFHDSNREFUSED: '0' }, { BOFHDSNREFUSED: 'soon' }]) assert.equal(await mail(variables as Record<string, string>), 'pass');
  assert.equal(await mail({ BOFHDSNREFUSED: '1d' }, { relayClient: '' }), 'pass');
  await clock.advance(DAY);
  assert.equal(await mail({ BOFHDSNREFUSED: '1d' }), 'pass');
  assert.equal(await mail({ BOFHDSNREFUSED: '2d' }), '550');
  learnFromReport(notes, clock, report, ann, { kind: 'relayed', status: '2.0.0' });
  assert.equal(await mail({ BOFHDSNREFUSED: '2d' }), 'pass');
});
