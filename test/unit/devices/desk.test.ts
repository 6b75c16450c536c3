/** Which device is which, what is remembered of it, and how long a limit lasts. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Address, MessageId, Origin } from '../../../src/core/envelope.ts';
import { taken, type Intake, type Transaction } from '../../../src/core/intake.ts';
import { silent } from '../../../src/core/log.ts';
import type { Variables } from '../../../src/core/policy.ts';
import { refuse } from '../../../src/core/status.ts';
import { openDeviceDesk, type DeviceDesk } from '../../../src/flow/devices/index.ts';
import { createDeviceTable } from '../../../src/flow/devices/table.ts';
import { createLedger } from '../../../src/flow/devices/ledger.ts';
import { parseDevices } from '../../../src/grammar/config/ways-in/devices.ts';
import { openLedgerFile, readLedgerFile } from '../../../src/flow/devices/ledger-file.ts';
import { nodeFileSystem, type FileSystem } from '../../../src/kit/file/durable-file.ts';
import { openKernels } from '../../../src/kit/wasm/kernels.ts';
import { createFakeClock, type FakeClock } from '../../props/fake-clock.ts';
import fc from '../../props/fast-check.ts';
import { eventually } from '../../props/within.ts';
import { scratchFor } from '../../props/scratch.ts';
import { valueOf } from '../config/parsed-props.ts';

const rulesOf = (text: string) => valueOf(parseDevices(text));
const kernels = openKernels();

test('the narrowest network decides, and in it the name that a device gives itself', () => {
  const table = createDeviceTable(rulesOf('floor 10.1.0.0/16\nmfp1 10.1.1.1 helo=MFP1\nmfp2 10.1.1.1 helo=mfp2\nv6 fe80::/10\nroom 10.1.2.0/24 helo=desk\n'));
  const rows: readonly (readonly [string, string | undefined, string | null])[] = [
    ['10.1.1.1', 'mfp1', 'mfp1'], ['10.1.1.1', 'MFP2', 'mfp2'], ['10.1.1.1', 'other', 'floor'], ['10.1.9.9', 'x', 'floor'], ['10.1.2.5', 'desk', 'room'], ['10.1.2.5', undefined, 'floor'],
    ['fe80::1%eth0', 'x', 'v6'], ['::ffff:10.1.9.9', 'x', 'floor'], ['10.2.0.1', 'x', null], ['2001:db8::1', 'x', null], ['', 'x', null],
  ];
  for (const [address, helo, name] of rows) assert.equal(table.find(address, helo)?.name ?? null, name, `${address} ${helo ?? ''}`);
  assert.deepEqual(table.at('10.1.1.1').map(({ name }) => name), ['mfp1', 'mfp2', 'floor']);
  assert.deepEqual(table.at('192.0.2.1'), []);
});

interface Behind {
  readonly desk: DeviceDesk;
  readonly clock: FakeClock;
  readonly said: string[];
  variables(origin: Origin): Variables;
  /** One message; what came of it. */
  send(from: string | null, to: string, origin?: Partial<Origin>): Promise<string>;
}

async function desk(t: TestContext, text: string, { folder = scratchFor(t, 'desk'), refuses = false, clock = createFakeClock() } = {}): Promise<Behind> {
  const said: string[] = [];
  let variables: (origin: Origin) => Variables = () => new Map();
  let count = 0;
  const behind: Intake = {
    open(origin): Transaction {
      said.push(`open ${origin.source} ${origin.relayClient ?? '-'}`);
      return {
        kind: 'open',
        mail: from => { said.push(`mail ${from}`); return taken; },
        rcpt: (to, { original }) => { said.push(`rcpt ${to}${original === undefined ? '' : ` ${original}`}`); return taken; },
        data: () => ({ kind: 'writer', write: () => undefined, end: () => Promise.resolve(refuses ? refuse('contentRefused') : { kind: 'queued', id: `ID${++count}` as MessageId, refused: new Map() }) }),
        abort: () => void said.push('abort'),
      };
    },
  };
  const opened = await openDeviceDesk({ settings: { rules: rulesOf(text), defaultDomain: 'gw.example', sizeOctets: 1_000_000 }, intake: given => { variables = given; return behind; }, folder, kernels, clock, log: silent });
  t.after(() => opened.close());
  const origin = (own: Partial<Origin> = {}): Origin => ({ source: 'esmtp', protocol: 'SMTP', remoteAddress: '10.1.1.1', helo: 'mfp', relayClient: '', at: clock.now(), ...own });
  return {
    desk: opened, clock, said,
    variables: from => variables(from),
    async send(from, to, own) {
      const transaction = await opened.intake.open(origin(own));
      if (transaction.kind === 'refused') return transaction.reply + ' ' + transaction.status;
      for (const ask of [() => transaction.mail(from as Address | null, {}), () => transaction.rcpt(to as Address, {})]) {
        const answer = await ask();
        if (answer.kind !== 'refused') continue;
        transaction.abort();
        return `${answer.reply} ${answer.status}`;
      }
      const writer = await transaction.data();
      if (writer.kind === 'refused') return `${writer.reply} ${writer.status}`;
      await writer.write(Buffer.from('From: a@b.example\r\n\r\n'));
      const scan = kernels.openScan();
      scan.feed(Buffer.from('From: a@b.example\r\n\r\n'));
      const answer = await writer.end(scan.facts());
      transaction.abort();
      return answer.kind === 'queued' ? answer.id : `${answer.reply} ${answer.status}`;
    },
  };
}

test('the envelope: who it may be, what it becomes, where it may go', async t => {
  const office = await desk(t, `
mfp 10.1.1.1 senders=scan@local,@mfp.local sender=office@example.com rename=scan:jane@example.com,old@x.example:new@example.com recipients=@example.com
cam 10.1.1.2 sender=*@example.com rename=*:guard@example.net
ups 10.1.1.3
`);
  const sent = async (from: string | null, to: string, own?: Partial<Origin>): Promise<string> => {
    office.said.length = 0;
    return [await office.send(from, to, own), ...office.said.filter(line => !line.startsWith('open'))].join('; ');
  };
  assert.equal(await sent('scan@local', 'scan'), 'ID1; mail office@example.com; rcpt jane@example.com rfc822;scan; abort');
  assert.equal(await sent('Any@mfp.local', 'OLD@x.example'), 'ID2; mail office@example.com; rcpt new@example.com rfc822;OLD@x.example; abort');
  assert.equal(await sent('other@local', 'scan'), '550 5.7.1; abort', 'not its sender');
  assert.equal(await sent('scan@local', 'x@elsewhere.example'), '550 5.7.1; mail office@example.com; abort', 'not its recipient');
  assert.equal(await sent('scan@local', 'x@sub.example.com'), '550 5.7.1; mail office@example.com; abort', 'a domain is not its subdomains');
  // A report has no sender, and gets none (RFC 5321 §4.5.5).
  assert.equal(await sent(null, 'scan@x.example'), 'ID3; mail null; rcpt jane@example.com rfc822;scan@x.example; abort');
  assert.equal(await sent('c1@cam', 'anyone@example.org', { remoteAddress: '10.1.1.2' }), 'ID4; mail c1@example.com; rcpt guard@example.net rfc822;anyone@example.org; abort');
  assert.equal(await sent('ups', 'boss', { remoteAddress: '10.1.1.3' }), 'ID5; mail ups@gw.example; rcpt boss@gw.example rfc822;boss; abort', 'names alone are ours');
  assert.deepEqual(await sent('a@b.example', 'c@d.example', { remoteAddress: '10.9.9.9' }), '554 5.7.1', 'no device');
});

test('a message of a device is a submission that may relay, under its own size limit', async t => {
  const office = await desk(t, 'mfp 10.1.1.1 size=2M helo=mfp\nmfp2 10.1.1.1 helo=mfp2 bare-lf=yes hide=PIPELINING\nold 10.1.1.4 tls=none\n');
  await office.send('a@b.example', 'c@d.example');
  assert.equal(office.said[0], 'open submission ');
  const at = (remoteAddress: string, helo: string): Variables => office.variables({ source: 'submission', protocol: 'SMTP', remoteAddress, helo, at: 0 });
  assert.deepEqual([...at('10.1.1.1', 'mfp')], [['RELAYCLIENT', ''], ['BOFHCHECKDNS', '0'], ['SIZELIMIT', '2097152'], ['DEVICE', 'mfp']]);
  assert.equal(at('10.1.1.1', 'mfp2').get('SIZELIMIT'), '1000000');
  assert.equal(at('192.0.2.1', 'mfp').has('RELAYCLIENT'), false, 'nobody else relays');
  const admit = (remoteAddress: string) => office.desk.admission.admit({ remoteAddress, localAddress: '10.1.1.254', localPort: 2525 });
  const both = admit('10.1.1.1');
  assert.ok(both.kind === 'admitted');
  // Before its name is known it gets what either may have.
  assert.deepEqual(Object.fromEntries(both.variables), { RELAYCLIENT: '', BOFHCHECKDNS: '0', SIZELIMIT: '2097152', DEVICE_BARE_LF: '1', DEVICE_HIDE: 'PIPELINING,CHUNKING,BINARYMIME' });
  const old = admit('10.1.1.4');
  assert.equal(old.kind === 'admitted' && old.variables.get('DEVICE_HIDE'), 'STARTTLS,XSECURITY', 'not even as a word of another');
  const stranger = admit('192.0.2.9');
  assert.ok(stranger.kind === 'refused' && stranger.text === '', 'turned away without a word');
  assert.deepEqual(office.desk.report().strangers.map(({ address, times }) => [address, times]), [['192.0.2.9', 1]]);
});

test('limits hold for their hour and their day, and what was not taken does not count', async t => {
  const office = await desk(t, 'mfp 10.1.1.1 limit=2/h,3/d\n');
  const send = () => office.send('a@b.example', 'c@d.example');
  assert.deepEqual([await send(), await send(), await send()], ['ID1', 'ID2', '450 4.7.1']);
  await office.clock.advance(3_600_000);
  assert.deepEqual([await send(), await send()], ['ID3', '450 4.7.1'], 'the day is full');
  await office.clock.advance(24 * 3_600_000);
  assert.equal(await send(), 'ID4');
  // A clock that is put right must not close the door for years.
  await office.clock.set(office.clock.now() - 365 * 86_400_000);
  assert.equal(await send(), 'ID5');

  const unlucky = await desk(t, 'mfp 10.1.1.1 limit=1/h\n', { refuses: true });
  assert.equal(await unlucky.send('a@b.example', 'c@d.example'), '554 5.7.1');
  assert.equal(await unlucky.send('a@b.example', 'c@d.example'), '554 5.7.1', 'refused, not over the limit');
});

test('what is remembered outlives the desk, with one write for all of a busy minute', async t => {
  const folder = scratchFor(t, 'ledger');
  const clock = createFakeClock();
  const first = await desk(t, 'mfp 10.1.1.1 limit=5/h\nold 10.1.1.2\n', { folder, clock });
  for (let n = 0; n < 3; n++) await first.send('a@b.example', 'c@d.example');
  first.desk.log.info('error', { relay: '10.1.1.1', reply: '500 5.5.1 Unknown command' });
  first.desk.log.info('error', { relay: '10.1.1.1', reply: '500 5.5.1 Unknown command' });
  first.desk.log.info('error', { relay: '192.0.2.1', reply: 'not a device' });
  first.desk.heard('ID1', { kind: 'failed', status: '5.0.0' });
  first.desk.heard('ID3', { kind: 'deferred', status: '4.4.1', blame: 'nexthop', said: { type: 'smtp', text: '451 Later' } });
  assert.deepEqual(readdirSync(folder), [], 'nothing is written for each message');
  await first.desk.close();
  const [mfp] = JSON.parse(readFileSync(join(folder, 'devices.json'), 'utf8')).devices.mfp.errors;
  assert.equal(mfp.what, 'ID3 deferred: 451 Later');

  const second = await desk(t, 'mfp 10.1.1.1 limit=5/h\nnew 10.1.1.3\n', { folder, clock });
  const [standing, fresh] = second.desk.report().devices;
  assert.deepEqual([standing?.messages, standing?.hour, standing?.lastMail?.id, standing?.lastMail?.outcome?.kind, standing?.lastSeen?.helo], [3, { messages: 3, limit: 5 }, 'ID3', 'deferred', 'mfp']);
  assert.deepEqual(standing?.errors.map(({ what, times }) => [what, times]), [['ID3 deferred: 451 Later', 1], ['500 5.5.1 Unknown command', 2]]);
  assert.deepEqual([fresh?.name, fresh?.messages, fresh?.lastMail], ['new', 0, null]);
  // Its last mail is still followed.
  second.desk.heard('ID3', { kind: 'relayed', status: '2.0.0' });
  assert.equal(second.desk.report().devices[0]?.lastMail?.outcome?.kind, 'relayed');
});

test('a disk that fails is said once, tried again, and has all in the end', async t => {
  const folder = scratchFor(t, 'failing');
  const clock = createFakeClock();
  const said: string[] = [];
  let fails = true;
  let writes = 0;
  const files: FileSystem = {
    ...nodeFileSystem,
    open(path, how) {
      if (how !== 'new') return nodeFileSystem.open(path, how);
      writes++;
      return fails ? Promise.reject(new Error('no room')) : nodeFileSystem.open(path, how);
    },
  };
  let value = 0;
  const file = openLedgerFile({ folder, files, ledger: { save: () => String(value) }, clock, log: { ...silent, error(event) {
    said.push(event);
  } } });
  for (value = 1; value < 100; value++) file.soon();
  assert.equal(writes, 0, 'not at each change');
  const settled = (count: number): Promise<void> => eventually(20_000, `write ${count}, and the next pause`, () => writes >= count && clock.sleepers > 0);
  await clock.advance(30_000);
  await settled(1);
  await clock.advance(30_000);
  await settled(2);
  assert.deepEqual([writes, said], [2, ['devices']]);
  fails = false;
  await file.close();
  assert.equal(await readLedgerFile(folder), '100');
  assert.equal(await readLedgerFile(join(folder, 'nowhere')), '');
});

test('a ledger that is damaged is a new one; errors and strangers are bounded', t => {
  const rules = rulesOf('mfp 10.1.1.1\n');
  const standing = (saved: string) => createLedger(rules, saved, () => 5).report().devices[0];
  const good = createLedger(rules, '', () => 5);
  good.wrong('mfp', 'x');
  assert.equal(standing(good.save())?.refusals, 1);
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json(), fc.integer({ min: 0, max: 300 }).map(at => good.save().slice(0, at)), fc.json().map(value => `{"version":1,"devices":{"mfp":${value}}}`)), saved => {
    assert.equal(typeof standing(saved)?.messages, 'number');
  }));
  const folder = scratchFor(t, 'damaged');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'devices.json'), '{"version":1');
  const ledger = createLedger(rules, readFileSync(join(folder, 'devices.json'), 'utf8'), () => 5);
  for (let n = 0; n < 100; n++) {
    ledger.wrong('mfp', `error ${n} ${'x'.repeat(10_000)}`);
    ledger.stranger(`192.0.2.${n}`);
  }
  const { devices, strangers } = ledger.report();
  assert.ok((devices[0]?.errors.length ?? 99) <= 8 && strangers.length <= 20 && ledger.save().length < 10_000);
});
