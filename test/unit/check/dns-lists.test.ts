/** BLACKLISTS with Courier's words: who is asked, which answer counts, and what the client and the filters get to see. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDnsLists } from '../../../src/grammar/config/ways-in/dns-lists.ts';
import { accessDesk } from '../../props/access-desk.ts';
import type { Names } from '../../props/names.ts';
import { linesOf, valueOf } from '../config/parsed-props.ts';

const stranger = { remoteAddress: '203.0.113.9' };
const six = { remoteAddress: '2001:db8::9' };
const nibbles = '9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2';
const names: Names = {
  'a 9.113.0.203.bad.example': ['127.0.0.2'], 'txt 9.113.0.203.bad.example': ['Listed, see bad.example'],
  'a 9.113.0.203.worse.example': ['127.0.0.4', '127.0.0.9'],
  'a 9.113.0.203.good.example': ['127.0.5.1'], 'txt 9.113.0.203.good.example': ['a "friend"'],
  'a 9.113.0.203.closed.example': ['127.255.255.254'], 'a 9.113.0.203.gone.example': ['198.51.100.7'], 'a 9.113.0.203.away.example': 'unavailable',
  [`a ${nibbles}.bad.example`]: ['127.0.0.2'],
};

function listed(blacklists: string, more: { origin?: object; variables?: Record<string, string> } = {}) {
  const desk = accessDesk({ names });
  return desk.say({ origin: { ...stranger, ...more.origin }, variables: { BLACKLISTS: blacklists, ...more.variables } });
}

test('a hit of -block is refused at RCPT, with the list\'s name, the operator\'s words or the list\'s own', async () => {
  const rows: readonly [string, string][] = [
    ['-block=bad.example', '550 5.7.1 Blacklisted by bad.example'],
    ['-block=bad.example=The-Bad-List', '550 5.7.1 Blacklisted by The-Bad-List'],
    ["-block=bad.example,BLOCK,'No thanks, @!'", '550 5.7.1 No thanks, 203.0.113.9!'],
    ['-block=bad.example,BLOCK,*', '550 5.7.1 Listed, see bad.example'],
    ['-block=worse.example,BLOCK,*', '550 5.7.1 Blacklisted by worse.example'],
    ["-block=bad.example,BLOCK,'450 come back'", '450 4.7.1 come back'],
    ['-block=clean.example -block=worse.example/x', 'wrong'],
    ['-block=worse.example,BLOCK/127.0.0.9', '550 5.7.1 Blacklisted by worse.example'],
    ['-block=worse.example,BLOCK/127.0.0.2', 'queued'],
    ['-block=worse.example,/127.0.0.4', '550 5.7.1 Blacklisted by worse.example'],
    ['-block=clean.example', 'queued'],
    ['-block=bad.example,BLOCK2', 'queued'],
  ];
  for (const [blacklists, answer] of rows.filter(row => row[1] !== 'wrong')) assert.equal((await listed(blacklists)).answer, answer, blacklists);
  assert.equal((await listed('-block=bad.example', { origin: six })).answer, '550 5.7.1 Blacklisted by bad.example', 'IPv6 by its nibbles');
});

test('the first that speaks decides: -allow before -block shields, behind it does not, and a value of the access file beats both', async () => {
  const shielded = await listed('-allow=good.example,BLOCK,, -block=bad.example');
  assert.equal(shielded.answer, 'queued');
  assert.match(shielded.header, /^Received: from[^]*\nAuthentication-Results: mx\.here\.example; dnswl=pass dns\.zone=good\.example\n {2}policy\.ip=127\.0\.5\.1 policy\.txt="a \\"friend\\""\n/);
  assert.match((await listed('-block=bad.example -allow=good.example')).answer, /^550/);
  assert.match((await listed('-allow=good.example,FRIEND -block=bad.example')).answer, /^550/);
  assert.equal((await listed('-block=bad.example', { variables: { BLOCK: '' } })).answer, 'queued');
  assert.equal((await listed('-block=bad.example', { variables: { BLOCK: 'my own word' } })).answer, '550 5.7.1 my own word');
});

test('a login clears it, and lists are not asked about who has logged in', async () => {
  const desk = accessDesk({ names });
  assert.equal((await desk.say({ origin: { ...stranger, login: 'ann' }, variables: { BLACKLISTS: '-block=bad.example' } })).answer, 'queued');
  assert.deepEqual(desk.resolver.asked, []);
});

test('trouble is no hit: an answer that is none, a list that does not serve us, DNS that fails or hangs', async () => {
  for (const zone of ['closed', 'gone', 'away']) assert.equal((await listed(`-block=${zone}.example`)).answer, 'queued', zone);
  assert.match((await listed('-block=closed.example,BLOCK/127.255.255.254')).answer, /^550/, 'unless it is asked for by name');
  const desk = accessDesk({ names: { 'a 9.113.0.203.slow.example': 'never', ...names } });
  const asking = desk.say({ origin: stranger, variables: { BLACKLISTS: '-block=slow.example' } });
  while (desk.clock.sleepers === 0) await new Promise(setImmediate);
  await desk.clock.advance(5_000);
  assert.equal((await asking).answer, 'queued');
  assert.match(desk.logged.join('\n'), /slow\.example/);
});

test('asked at connect, and once for all messages of a client', async () => {
  const desk = accessDesk({ names });
  const variables = { BLACKLISTS: '-block=bad.example -block=clean.example' };
  assert.equal(desk.network.meet(stranger.remoteAddress, new Map(Object.entries(variables))), null, 'nobody waits for them');
  const asked = [...desk.resolver.asked];
  assert.deepEqual(asked, ['a 9.113.0.203.bad.example', 'a 9.113.0.203.clean.example']);
  for (let n = 0; n < 3; n++) assert.match((await desk.say({ origin: stranger, variables })).answer, /^550/);
  assert.deepEqual(desk.resolver.asked, asked);
});

test('DROP hangs up at connect, without a word, whatever put a value into the variable', async () => {
  const rows: readonly [Record<string, string>, string | null][] = [
    [{ BLACKLISTS: '-block=bad.example', DROP: '-drop' }, 'dropped: BLOCK is Blacklisted by bad.example'],
    [{ BLACKLISTS: '-block=clean.example', DROP: '-drop' }, null],
    [{ BLACKLISTS: '-block=bad.example,BLOCK2', DROP: '-drop=BLOCK2' }, 'dropped: BLOCK2 is Blacklisted by bad.example'],
    [{ BLACKLISTS: '-block=bad.example,BLOCK2', DROP: '-drop' }, null],
    [{ BLACKLISTS: '-allow=good.example -block=bad.example', DROP: '-drop' }, null],
    [{ BLACKLISTS: '-block=bad.example', DROP: '-drop', BLOCK: '' }, null],
    [{ BLACKLISTS: '-block=bad.example -drop=BLOCK' }, 'dropped: BLOCK is Blacklisted by bad.example'],
    [{ DROP: '-drop', BLOCK: 'my own word' }, 'dropped: BLOCK is my own word'],
    [{ BLACKLISTS: '-block=away.example', DROP: '-drop' }, null],
    [{ BLOCK: 'my own word' }, null],
  ];
  for (const [variables, why] of rows) {
    const answer = await accessDesk({ names }).network.meet(stranger.remoteAddress, new Map(Object.entries(variables)));
    assert.deepEqual(answer === null ? null : [answer.why, answer.text], why === null ? null : [why, ''], JSON.stringify(variables));
  }
  const desk = accessDesk({ names });
  const variables = new Map(Object.entries({ BLACKLISTS: '-block=bad.example', DROP: '-drop' }));
  await desk.network.meet(stranger.remoteAddress, variables);
  const known = desk.network.meet(stranger.remoteAddress, variables);
  assert.ok(known !== null && !(known instanceof Promise), 'who comes again is known at once');
});

test('what filters may see: the variable, the zone, the answer and its text', () => {
  const plan = valueOf(parseDnsLists('-allow=list.example=Nice,GOOD/127.0.0.2,  -block=b.example'));
  assert.deepEqual(plan.lists[0], { kind: 'allow', zone: 'list.example', display: 'Nice', variable: 'GOOD', only: '127.0.0.2', message: { kind: 'txt' } });
  assert.deepEqual(plan.lists[1], { kind: 'block', zone: 'b.example', display: 'b.example', variable: 'BLOCK', only: null, message: null });
});

test('what is wrong is said, with a right one', () => {
  for (const bad of ['-block', '-block=', '-block=nodots', 'zen.example.org', '-block=a.example,bad-name', '-block=a.example,B/300.1.1.1', "-block=a.example,B,'open", '-drop=lower', Array.from({ length: 40 }, (_, n) => `-block=z${n}.example`).join(' ')]) {
    assert.ok(linesOf(parseDnsLists(bad)).length > 0, bad);
  }
});
