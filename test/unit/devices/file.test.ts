/** The file `devices` and the listener's: what they mean, and what they may never say. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDevices, type DeviceRule } from '../../../src/grammar/config/ways-in/devices.ts';
import { formatNetwork } from '../../../src/grammar/config/network.ts';
import { folderOf } from '../config/folder-props.ts';
import { linesOf, valueOf } from '../config/parsed-props.ts';
import fc from '../../props/fast-check.ts';

test('a device: its addresses, and what is said of it on as many lines as it takes', () => {
  const [plain, full] = valueOf(parseDevices(`# second floor
scanner 192.168.1.40

office-mfp 10.0.3.0/24,fd00::12 helo=MFP1,mfp2 tls=1.0 plain=no
\tsenders=scanner@local,@mfp.local sender=*@example.com from=yes
    # and where it may send
    recipients=@example.com,boss@example.net rename=scan:jane@example.com,*:all@example.com limit=500/d,60/h size=25M
    bare-lf=yes charset=latin1 hide=pipelining,8BITMIME
`));
  assert.deepEqual(plain, {
    line: 2, name: 'scanner', networks: [{ family: 4, octets: [192, 168, 1, 40], bits: 32 }], helo: [], oldestTls: 'TLSv1.2', plain: true, senders: [], recipients: [],
    fromField: false, rename: [], limits: { hour: 0, day: 0 }, bareLf: false, charset: 'windows-1252', hidden: [],
  });
  assert.deepEqual({ ...full, networks: full?.networks.map(formatNetwork) }, {
    line: 4, name: 'office-mfp', networks: ['10.0.3.0/24', 'fd00::12/128'], helo: ['mfp1', 'mfp2'], oldestTls: 'TLSv1', plain: false,
    senders: [{ kind: 'address', address: 'scanner@local' }, { kind: 'domain', domain: 'mfp.local' }], sender: { kind: 'domain', domain: 'example.com' }, fromField: true,
    recipients: [{ kind: 'domain', domain: 'example.com' }, { kind: 'address', address: 'boss@example.net' }],
    rename: [{ from: 'scan', to: 'jane@example.com' }, { from: null, to: 'all@example.com' }], limits: { hour: 60, day: 500 }, sizeOctets: 25 * 1024 * 1024, bareLf: true, charset: 'windows-1252', hidden: ['PIPELINING', '8BITMIME'],
  });
});

test('no line lets the world in: private networks may be wide, those of the Internet are narrow', () => {
  const addresses = (text: string): readonly number[] => linesOf(parseDevices(`printer ${text}`));
  for (const good of ['127.0.0.1', '10.0.0.0/8', '172.16', '192.168.0.0/16', '169.254.0.0/16', '100.64.0.0/10', '::1', 'fd12::/16', 'fe80::/10', 'fe80::1%eth0', '192.0.2.0/24', '198.51.100.7', '2001:db8:1::/48']) assert.deepEqual(addresses(good), [], good);
  for (const bad of ['0.0.0.0/0', '::/0', '0', '*', '10.0.0.0/7', '172.16.0.0/11', '192.0.2.0/23', '8.8', '2001:db8::/47', '::ffff:0:0/96', 'fc00::/6', 'printer.local', '192.168.1', '192.168.1.300', ',', '192.168.1.1,']) {
    // A prefix form of a private network is a network.
    if (bad === '192.168.1') assert.deepEqual(addresses(bad), []);
    else assert.notDeepEqual(addresses(bad), [], bad);
  }
});

test('each mistake is named with its line', () => {
  const rows = [
    'printer', '-printer 10.1.1.1', 'printer tls=1.0', 'printer 10.1.1.1 tls=1.4', 'printer 10.1.1.1 tls=ssl3', 'printer 10.1.1.1 tls=none plain=no', 'printer 10.1.1.1 plain=maybe', 'printer 10.1.1.1 sender=nobody',
    'printer 10.1.1.1 sender=@example.com', 'printer 10.1.1.1 sender=*@', 'printer 10.1.1.1 from=yes', 'printer 10.1.1.1 rename=a', 'printer 10.1.1.1 rename=a:b', 'printer 10.1.1.1 rename=:b@example.com',
    'printer 10.1.1.1 limit=0/h', 'printer 10.1.1.1 limit=5', 'printer 10.1.1.1 limit=5/h,6/h', 'printer 10.1.1.1 limit=5/w', 'printer 10.1.1.1 size=0', 'printer 10.1.1.1 size=much', 'printer 10.1.1.1 charset=klingon',
    'printer 10.1.1.1 recipients=', 'printer 10.1.1.1 recipients=a@b@c', 'printer 10.1.1.1 helo=', 'printer 10.1.1.1 hide=', 'printer 10.1.1.1 toString=1', 'printer 10.1.1.1 tsl=1.0', 'printer 10.1.1.1 tls=1.0 tls=1.1', 'printer 10.1.1.1 word',
  ];
  for (const row of rows) {
    assert.deepEqual([...new Set(linesOf(parseDevices(`# first\n${row}\n`)))], [2], row);
    // On a line of its own the option has that line's number; what is missing, or does not go together, its device's.
    const [line] = linesOf(parseDevices(`# first\n${row.replaceAll(' ', '\n  ')}\n`));
    assert.ok(line !== undefined && line >= 2 && line <= row.split(' ').length + 1, row);
  }
  assert.deepEqual(linesOf(parseDevices('a 10.1.1.1\n  tls=1.0\n# why\n  plain=perhaps limit=1/h\n  size=x\n')), [4, 5]);
  assert.deepEqual(linesOf(parseDevices('  tls=1.0\nprinter 10.1.1.1\n')), [1]);
  assert.deepEqual(linesOf(parseDevices('a 10.1.1.1\na 10.1.1.2\n')), [2]);
  assert.deepEqual(linesOf(parseDevices('a 10.1.1.1\nb 10.1.1.1\n')), [2]);
  assert.deepEqual(linesOf(parseDevices('a 10.1.1.1 helo=X\nb 10.1.1.1 helo=y,x\n')), [2]);
  assert.deepEqual(linesOf(parseDevices('a 10.1.1.1 helo=x\nb 10.1.1.1\nc 10.1.1.0/24\n')), [], 'a name, or a narrower network, tells them apart');
});

test('whatever the file says is devices, or problems with a line', () => {
  const words = fc.constantFrom('printer', '10.1.1.1', '0/0', '::/0', 'tls=1.0', 'tls=', '=', 'rename=*:a@b.c', 'limit=1/h', '\n', '\n ', '#', ',', '\u0000', 'size=1G');
  fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.array(fc.oneof(words, fc.string({ maxLength: 8 })), { maxLength: 20 }).map(parts => parts.join(' '))), text => {
    const parsed = parseDevices(text);
    if (parsed.kind === 'wrong') assert.ok(parsed.problems.every(({ what, right, line }) => what !== '' && right !== '' && line >= 1 && !/\p{Cc}/u.test(what)));
    else assert.ok(parsed.value.every((rule: DeviceRule) => rule.networks.length > 0 && rule.networks.every(({ bits }) => bits > 0)));
  }));
});

test('the listener is off until its file is there, has several ports, and its TLS is as old as the oldest device needs', (t) => {
  assert.deepEqual(folderOf(t, { me: 'gw.example', devices: 'printer 10.1.1.1\n' }).read().listeners, []);
  const { listeners, devices } = folderOf(t, { me: 'gw.example', devices: 'printer 10.1.1.1\n', 'esmtpd-devices': 'PORT=2525,127.0.0.1.2526\nADDRESS=10.1.1.254\nSIZELIMIT=50M\n' }).read();
  assert.equal(devices.length, 1);
  assert.deepEqual(listeners.map(({ name, endpoints, sizeOctets, mechanisms }) => ({ name, endpoints, sizeOctets, offered: mechanisms.plain })), [
    { name: 'esmtpd-devices', endpoints: [{ address: '10.1.1.254', port: 2525 }, { address: '127.0.0.1', port: 2526 }], sizeOctets: 50 * 1024 * 1024, offered: [] },
  ]);
  const problems = (files: Readonly<Record<string, string>>): string => folderOf(t, { me: 'gw.example', devices: 'printer 10.1.1.1\n', ...files }).problems().join('\n');
  assert.match(problems({ 'esmtpd-devices': 'SSLPORT=4650\n' }), /esmtpd-devices:1: SSLPORT speaks TLS, and there is no usable certificate/);
  assert.match(problems({ 'esmtpd-devices': 'TLS_PROTOCOL=TLSv1\n' }), /esmtpd-devices:1: TLS_PROTOCOL/);
  assert.match(problems({ 'esmtpd-devices': 'RELAYCLIENT=1\n' }), /open relay/);
  assert.match(problems({ devices: 'printer 0.0.0.0/0\n' }), /devices:1: .*the whole world/);
});
