/** The transport against programs that end as told: arguments, what is on the line, outcomes, batches. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { RecipientId } from '../../../src/core/envelope.ts';
import { silent } from '../../../src/core/log.ts';
import type { Delivery } from '../../../src/core/transport.ts';
import { openUucp, type UucpPlan } from '../../../src/flow/transport/uucp/index.ts';
import { parseBatchRules } from '../../../src/grammar/uucp/batch-rules.ts';
import { parseGrades } from '../../../src/grammar/uucp/grades.ts';
import { createNeighbors, parseNeighbors } from '../../../src/grammar/uucp/neighbors.ts';
import { deliveryOf, type WantedDelivery } from '../../props/deliveries.ts';
import { createFakeClock } from '../../props/fake-clock.ts';
import { scratchFolder } from '../../props/scratch-folder.ts';
import { createFakePrograms, type FakePrograms } from '../../props/uucp-programs.ts';
import { eventually } from '../../props/within.ts';

interface Given {
  readonly batches?: string;
  readonly grades?: string;
  readonly runs?: boolean;
  readonly more?: Partial<UucpPlan>;
  readonly folder?: string;
}

function open(t: TestContext, programs: FakePrograms, given: Given = {}) {
  const neighbors = parseNeighbors('siteb\tF\ngreen\tG\nzilch\nfull.example\n');
  const batches = parseBatchRules(given.batches ?? '');
  const grades = parseGrades(given.grades ?? '');
  assert.ok(neighbors.kind === 'read' && batches.kind === 'read' && grades.kind === 'read', JSON.stringify([batches, grades]));
  const plan: UucpPlan = {
    site: { me: 'here', defaultDomain: 'here.example', neighbors: createNeighbors(neighbors.value), domains: new Map([['office.example', 'siteb']]), isLocal: domain => domain === 'here.example' },
    rewriteHeaders: false, flags: ['-r', '-g', 'C'], configFile: '/etc/test/config', programs: programs.folder, maxDeliveries: 4, maxPerNeighbor: 4, maxRecipients: 16,
    batches: new Map(batches.value.map(rule => [rule.node, rule])), grades: grades.value, polls: [], alarmMs: 0, me: 'here.example', ...given.more,
  };
  const clock = createFakeClock(Date.UTC(2026, 10, 21, 9));
  const folder = given.folder ?? scratchFolder('spool');
  const uucp = openUucp({ plan: () => plan, folder, clock, log: silent, runs: given.runs ?? false });
  t.after(() => uucp.close());
  const deliver = async (wanted: WantedDelivery) => (await uucp.transport.deliver(deliveryOf(wanted), new AbortController().signal)).get(0 as RecipientId);
  return { uucp, clock, folder, deliver };
}

test('one rmail job: Courier\'s arguments, From_ line, LF ends', async t => {
  const programs = createFakePrograms();
  const { deliver } = open(t, programs);
  const outcome = await deliver({ nexthop: 'siteb', to: ['siteb!bob@here.example', 'carol@office.example'] });
  assert.deepEqual(outcome, { kind: 'relayed', status: '2.0.0', said: { type: 'x-uucp', text: 'Given to uux for siteb, job siteb.C0001' } });
  assert.deepEqual(programs.calls('uux'), [['-p', '-z', '-a', 'here!there.example!ada', '-j', '-I', '/etc/test/config', '-r', '-g', 'C', 'siteb!rmail', '-f', '(here!there.example!ada)', '(bob)', '(office.example!carol)']]);
  assert.equal(programs.input('uux').toString(), 'From there.example!ada Sat Nov 21 09:00:00 2026 remote from here\nSubject: x\n\nBody\n');
});

test('where rmail runs, and what is cut for it', async t => {
  const rows: readonly (readonly [string, string, string, readonly string[]])[] = [
    ['siteb!far', 'siteb!far!bob@here.example', 'ada@here.example', ['siteb!far!rmail', '-f', '(here!ada)', '(bob)']],
    ['green', 'green!its!drink@here.example', 'ada@here.example', ['green!rmail', '-f', '(here!ada)', '(its!drink)']],
    ['full.example', 'bob@full.example', 'ada@here.example', ['full.example!rmail', '-f', '(here!ada)', '(bob)']],
    ['siteb', 'siteb!bob@here.example', 'siteb!far!ada@here.example', ['siteb!rmail', '-f', '(far!ada)', '(bob)']],
  ];
  for (const [nexthop, to, from, wanted] of rows) {
    const programs = createFakePrograms();
    await open(t, programs).deliver({ nexthop, to: [to], from });
    assert.deepEqual(programs.calls('uux')[0]?.slice(-wanted.length), wanted);
  }
});

test('a null sender, and NOTIFY=NEVER in a job of its own, ask nobody to report', async t => {
  const programs = createFakePrograms();
  const { deliver } = open(t, programs);
  await deliver({ nexthop: 'siteb', to: ['siteb!bob@here.example'], from: '' });
  assert.deepEqual(programs.calls('uux'), [['-p', '-n', '-j', '-I', '/etc/test/config', '-r', '-g', 'C', 'siteb!rmail', '(bob)']]);
  assert.match(programs.input('uux').toString(), /^From MAILER-DAEMON /);
  await deliver({ nexthop: 'siteb', to: ['siteb!bob@here.example', { address: 'siteb!carol@here.example', notify: 'never' }] });
  assert.deepEqual(programs.calls('uux').slice(1).map(call => call.slice(call.indexOf('siteb!rmail'))), [['siteb!rmail', '-f', '(here!there.example!ada)', '(bob)'], ['siteb!rmail', '(carol)']]);
});

test('hostile addresses never become arguments, in any place', async t => {
  const programs = createFakePrograms();
  const { deliver } = open(t, programs);
  for (const local of ['siteb!-oQ/tmp', '"siteb!$(id)"', 'siteb!`id`', 'siteb!a|b', 'siteb!a&b', "siteb!o'brien", 'siteb!{a}', 'siteb!a*', '"siteb!a b"', '"siteb!a;b"', '"siteb!(a)"', '"siteb!a\\"b"', 'siteb!bösch']) {
    const outcome = await deliver({ nexthop: 'siteb', to: [`${local}@here.example`] });
    assert.equal(outcome?.kind === 'failed' ? outcome.status : outcome, '5.1.3', local);
  }
  for (const from of ['"$(id)"@there.example', '"a b"@there.example', "o'brien@there.example"]) {
    const outcome = await deliver({ nexthop: 'siteb', to: ['siteb!bob@here.example'], from });
    assert.equal(outcome?.kind === 'failed' ? outcome.status : outcome, '5.1.7', from);
  }
  assert.deepEqual(programs.calls('uux'), []);
});

test('how uux ends is what the recipient is told', async t => {
  const rows: readonly (readonly [string, string])[] = [
    ['cat > /dev/null; exit 0', 'relayed 2.0.0'],
    ['cat > /dev/null; echo "nosuch: System not found" >&2; exit 69', 'failed 5.1.2'],
    ['cat > /dev/null; exit 75', 'deferred 4.3.0 nexthop'],
    ['exit 71', 'deferred 4.3.0 nexthop'],
    ['cat > /dev/null; exit 64', 'deferred 4.3.0 nexthop'],
    ['kill -9 $$', 'deferred 4.3.0 nexthop'],
  ];
  for (const [script, wanted] of rows) {
    const programs = createFakePrograms();
    programs.script('uux', script);
    const outcome = await open(t, programs).deliver({ nexthop: 'siteb', to: ['siteb!bob@here.example'], content: Buffer.alloc(300_000, 'x') });
    assert.equal([outcome?.kind, outcome?.status, ...(outcome?.kind === 'deferred' ? [outcome.blame] : [])].join(' '), wanted, script);
  }
  const absent = await open(t, createFakePrograms(), { more: { programs: '/nowhere' } }).deliver({ nexthop: 'siteb', to: ['siteb!bob@here.example'] });
  assert.equal(absent?.kind, 'deferred');
  const programs = createFakePrograms();
  programs.script('uux', 'exec sleep 100');
  const { uucp } = open(t, programs);
  const stop = new AbortController();
  const stopped = uucp.transport.deliver(deliveryOf({ nexthop: 'siteb', to: ['siteb!bob@here.example'] }), stop.signal);
  await eventually(10_000, 'uux to start', () => programs.calls('uux').length === 1);
  stop.abort();
  assert.equal((await stopped).get(0 as RecipientId)?.kind, 'deferred');
});

test('what uux leaves running in the background does not hold the delivery', async t => {
  const programs = createFakePrograms();
  programs.script('uux', 'cat > /dev/null; sleep 60 & echo $! > "$HERE/pid"; echo siteb.C0002');
  const began = performance.now();
  const outcome = await open(t, programs).deliver({ nexthop: 'siteb', to: ['siteb!bob@here.example'] });
  assert.equal(outcome?.said?.text, 'Given to uux for siteb, job siteb.C0002');
  process.kill(Number(readFileSync(join(programs.folder, 'pid'), 'utf8')));
  assert.ok(performance.now() - began < 50_000);
});

test('content that breaks off while uux reads it is no job', async t => {
  const programs = createFakePrograms();
  programs.script('uux', 'cat > /dev/null; touch "$HERE/whole"; exit 0');
  const { uucp } = open(t, programs);
  const job = deliveryOf({ nexthop: 'siteb', to: ['siteb!bob@here.example'] });
  const broken: Delivery = { ...job, content: { ...job.content, async *read() { yield Buffer.from('Subject: x\r\n'); throw new Error('the disk lies'); } } };
  assert.equal((await uucp.transport.deliver(broken, new AbortController().signal)).get(0 as RecipientId)?.kind, 'deferred');
  assert.ok(!readdirSync(programs.folder).includes('whole'), 'uux took a part for the whole');
});

test('grades by size and precedence', async t => {
  const programs = createFakePrograms();
  const { deliver } = open(t, programs, { grades: 'n precedence=bulk,list\nA size=1K\nD size=100K\n' });
  for (const header of ['Subject: x', 'Precedence: bulk', `X: ${'x'.repeat(2000)}`]) await deliver({ nexthop: 'siteb', to: ['siteb!bob@here.example'], content: Buffer.from(`${header}\r\n\r\n`) });
  await deliver({ nexthop: 'siteb', to: ['siteb!bob@here.example'], content: Buffer.alloc(200_000, 'x') });
  assert.deepEqual(programs.calls('uux').map(call => call[call.lastIndexOf('-g') + 1]), ['A', 'n', 'D', 'C']);
});

test('with uucprewriteheaders addresses are rewritten where they stand, and nothing else moves', async t => {
  const programs = createFakePrograms();
  const { deliver } = open(t, programs, { more: { rewriteHeaders: true } });
  const content = Buffer.from('Received: from x\r\nFrom:  "A, B"\r\n\t<ada@there.example> (hi)\r\nTo: siteb!bob@here.example, Carol <carol@here.example>\r\n\r\nFrom: ada@there.example\r\n');
  await deliver({ nexthop: 'siteb', to: ['siteb!bob@here.example'], content });
  const [, ...lines] = programs.input('uux').toString().split('\n');
  assert.equal(lines.join('\n'), 'Received: from x\nFrom:  "A, B"\n\t<here!there.example!ada> (hi)\nTo: bob, Carol <here!carol>\n\nFrom: ada@there.example\n');
});

test('a batched neighbour: kept until poll, then one compressed job; DSN wishes and odd addresses and all', async t => {
  const programs = createFakePrograms();
  const { uucp, deliver } = open(t, programs, { batches: 'siteb rgsmtp age=poll grade=A\n' });
  const said = await deliver({ nexthop: 'siteb', id: '0000000000001.00000001', to: ["o'brien@office.example", { address: 'siteb!far!carol@here.example', notify: ['success'], original: 'rfc822;carol@far.example' }] });
  assert.deepEqual(said, { kind: 'relayed', status: '2.0.0', said: { type: 'x-uucp', text: 'Waits for the next batch to siteb' } });
  await deliver({ nexthop: 'siteb', id: '0000000000002.00000001', to: ['carol@office.example'], from: '', content: Buffer.from('.\r\n\r\nn\u00f6\r\n') });
  assert.deepEqual(programs.calls('uux'), []);
  const [site] = await uucp.neighbors();
  assert.deepEqual([site?.node, site?.waiting.messages, site?.waiting.names], ['siteb', 2, ['0000000000001.00000001.0', '0000000000002.00000001.0']]);
  const polled = await uucp.poll('siteb', 10_000);
  assert.equal(polled.kind, 'called');
  assert.deepEqual(programs.calls('uux'), [['-p', '-n', '-j', '-r', '-I', '/etc/test/config', '-r', '-g', 'A', 'siteb!rgsmtp']]);
  assert.equal(gunzipSync(programs.input('uux')).toString(), [
    'HELO here.example', 'MAIL FROM:<ada@there.example>', "RCPT TO:<o'brien@office.example>", 'RCPT TO:<far!carol> NOTIFY=SUCCESS ORCPT=rfc822;carol@far.example', 'DATA', 'Subject: x', '', 'Body', '.',
    'MAIL FROM:<> BODY=8BITMIME', 'RCPT TO:<carol@office.example>', 'DATA', '..', '', 'n\u00f6', '.', 'QUIT', ''].join('\n'));
  assert.deepEqual((await uucp.neighbors())[0]?.waiting.messages, 0);
  assert.deepEqual(programs.calls('uucico'), [['-I', '/etc/test/config', '-D', '-q', '-r1', '-S', 'siteb']]);
});

test('a batch goes by itself when it is large or old enough, and comes back when uux refuses it', async t => {
  const programs = createFakePrograms();
  const { clock, deliver, uucp } = open(t, programs, { batches: 'siteb rsmtp size=2K age=1h\n', runs: true });
  programs.script('uux', 'cat > /dev/null; exit 75');
  await deliver({ nexthop: 'siteb', id: '0000000000001.00000001', to: ['bob@office.example'], content: Buffer.from(`Subject: x\r\n\r\n${'x'.repeat(3000)}\r\n`) });
  await eventually(10_000, 'the first try', () => programs.calls('uux').length === 1);
  await eventually(10_000, 'what uux refused to be back', async () => (await uucp.neighbors())[0]?.waiting.messages === 1);
  programs.script('uux', 'cat > /dev/null; exit 0');
  await clock.advance(60_000);
  assert.equal(programs.calls('uux').length, 1, 'no second try before the pause is over');
  await eventually(10_000, 'the second try', async () => {
    await clock.advance(60_000);
    return programs.calls('uux').length === 2;
  });
  await eventually(10_000, 'the spool to be empty', async () => (await uucp.neighbors())[0]?.waiting.messages === 0);
});

test('a neighbour that uucp does not know fails at once, before anything is kept for it', async t => {
  const programs = createFakePrograms();
  programs.script('uuname', 'echo other');
  const { deliver, uucp } = open(t, programs, { batches: 'siteb rgsmtp\n' });
  const outcome = await deliver({ nexthop: 'siteb', to: ['bob@office.example'] });
  assert.equal(outcome?.kind === 'failed' ? outcome.status : outcome, '5.1.2');
  assert.equal((await uucp.neighbors())[0]?.waiting.messages, 0);
  programs.script('uuname', 'exit 1');
  assert.equal((await deliver({ nexthop: 'siteb', to: ['bob@office.example'] }))?.kind, 'deferred');
});

test('a batch of somebody who died is given back at the start; a living one\'s is left alone', async t => {
  const folder = scratchFolder('spool');
  for (const [pid, name] of [[0x7ffffff0, 'dead'], [process.ppid, 'alive']] as const) {
    mkdirSync(join(folder, 'siteb', `batch-${pid}-0`), { recursive: true });
    writeFileSync(join(folder, 'siteb', `batch-${pid}-0`, name), 'MAIL FROM:<>\n');
  }
  mkdirSync(join(folder, 'siteb', 'waiting'));
  const { uucp } = open(t, createFakePrograms(), { folder, runs: true, batches: 'siteb rsmtp age=poll\n' });
  await eventually(10_000, 'the dead one\'s to be back', async () => (await uucp.neighbors())[0]?.waiting.messages === 1);
  assert.deepEqual((await uucp.neighbors())[0]?.waiting.names, ['dead']);
});

test('recall takes a waiting message back; a job is read before it is killed', async t => {
  const programs = createFakePrograms();
  const spool = scratchFolder('taylor');
  const config = join(spool, 'config');
  writeFileSync(config, `spool ${spool} # here\n`);
  mkdirSync(join(spool, 'siteb', 'C.'), { recursive: true });
  mkdirSync(join(spool, 'siteb', 'D.'));
  writeFileSync(join(spool, 'siteb', 'C.', 'C.CABC'), 'E D.0001 D.siteaC0001 root -CZR D.0001 0666 x 0 rmail bob\n');
  writeFileSync(join(spool, 'siteb', 'D.', 'D.0001'), 'From x\nBody\n');
  programs.script('uustat', `case "$*" in *-k*) echo killed > "$HERE/killed";; *-a*) echo 'siteb.CABC siteb root 11-20 08:59 Executing rmail bob (sending 12 bytes)';; esac`);
  const { uucp, deliver } = open(t, programs, { batches: 'siteb rsmtp age=poll\n', more: { configFile: config } });
  await deliver({ nexthop: 'siteb', to: ['bob@office.example'] });
  assert.match(Buffer.from((await uucp.recall('0000000000001.00000001.0'))?.octets ?? []).toString(), /^MAIL FROM:<ada@there\.example>\nRCPT TO:<bob@office\.example>\nDATA\n/);
  assert.equal(await uucp.recall('0000000000001.00000001.0'), null);
  assert.equal(Buffer.from((await uucp.recall('siteb.CABC'))?.octets ?? []).toString(), 'From x\nBody\n');
  assert.ok(readdirSync(programs.folder).includes('killed'));
  assert.equal(await uucp.recall('siteb.CXYZ'), null);
  assert.equal(await uucp.recall('../../etc/passwd'), null);
});

test('mail that waits for a neighbour that does not call is somebody\'s business after a time', async t => {
  const programs = createFakePrograms();
  programs.script('uustat', `case "$*" in *-a*) echo 'siteb.CABC siteb root 11-17 08:59 Executing rmail bob (sending 12 bytes)';; *-m*) echo 'siteb          11-16 04:18 Conversation complete';; esac`);
  const { uucp, clock } = open(t, programs, { runs: true, more: { alarmMs: 3 * 86_400_000 } });
  await eventually(10_000, 'the alarm', () => uucp.troubles().length === 1);
  assert.match(uucp.troubles()[0] ?? '', /mail for siteb has waited since 2026-11-17.*1 jobs.*last call, 2026-11-16.*Conversation complete/);
  programs.script('uustat', 'exit 0');
  await eventually(10_000, 'the all-clear', async () => {
    await clock.advance(3_600_000);
    return uucp.troubles().length === 0;
  });
});

test('polls are made when they are due', async t => {
  const programs = createFakePrograms();
  const { clock } = open(t, programs, { runs: true, more: { polls: [{ node: 'siteb', everyMs: 4 * 3_600_000 }] } });
  await clock.advance(3 * 3_600_000);
  assert.equal(programs.calls('uucico').length, 0);
  await eventually(10_000, 'the call', async () => {
    await clock.advance(60_000);
    return programs.calls('uucico').length === 1;
  });
});
