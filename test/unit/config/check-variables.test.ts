/** A slip of the finger in a switch of the defences is an error with a right example, not a defence that is off. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readConfiguration } from '../../../src/configuration.ts';
import { parseListenerOptions } from '../../../src/grammar/config/ways-in/listener-options.ts';
import { linesOf, valueOf } from './parsed-props.ts';
import { scratchFor } from '../../props/scratch.ts';
import { parseCheckVariables } from '../../../src/grammar/config/ways-in/check-variables.ts';
import { folderOf } from './folder-props.ts';

const problems = (name: string, value: string) => {
  const parsed = parseCheckVariables(new Map([[name, value]]));
  return parsed.kind === 'read' ? [] : parsed.problems.map(({ right }) => right);
};

test('words that mean something pass, in any case, parted by commas or blanks', () => {
  const good: readonly [string, string][] = [
    ['BOFHSPFMAILFROM', 'pass,none, SoftFail unknown'], ['BOFHSPFHELO', 'off'], ['BOFHSPFHELO', ''], ['BOFHSPFFROM', 'all,mailfromok'], ['BOFHSPFHARDERROR', 'fail,error'],
    ['DMARC', 'honour'], ['DMARC', ''], ['BOFHCHECKHELO', '2'], ['BOFHDSNREFUSED', '3d'], ['BOFHDSNREFUSED', ''], ['BOFHDSNREFUSED', '0'], ['GREYLIST', '1'],
    ['BLACKLISTS', "-allow=a.example,BLOCK,, -block=b.example,BLOCK,'No, @'"], ['DROP', '-drop'], ['ANYTHING', 'else'],
  ];
  for (const [name, value] of good) assert.deepEqual(problems(name, value), [], `${name}=${value}`);
});

test('others are problems, and say what would be right', () => {
  const bad: readonly [string, string, RegExp][] = [
    ['BOFHSPFMAILFROM', 'pass,softfial', /^BOFHSPFMAILFROM=softfail$/], ['BOFHSPFMAILFROM', 'mailfromok', /^BOFHSPFMAILFROM=/], ['DMARC', 'quarantine', /^DMARC=record$/], ['BOFHCHECKHELO', 'yes', /^BOFHCHECKHELO=/],
    ['BOFHCHECKDNS', 'no', /^BOFHCHECKDNS=1$/], ['GREYLIST', '2', /^GREYLIST=1$/], ['BOFHDSNREFUSED', 'soon', /^BOFHDSNREFUSED=1d$/], ['BLACKLISTS', 'zen.example.org', /^BLACKLISTS='-block=/], ['DROP', '-drop=no', /^DROP='-drop/],
  ];
  for (const [name, value, right] of bad) {
    const found = problems(name, value);
    assert.equal(found.length, 1, `${name}=${value}`);
    assert.match(found[0] ?? '', right);
  }
});

test('what is asked of strangers is not asked of those who submit, nor of our own server by LMTP, unless they are named', t => {
  const folder = scratchFor(t, 'listeners');
  const write = (files: Record<string, string>) => {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const read = readConfiguration(folder, 'box.example.net');
    assert.ok(read.kind === 'read', JSON.stringify(read));
    return Object.fromEntries(read.configuration.listeners.map(({ name, variables }) => [name, variables]));
  };
  const usual = write({
    'me': 'box.example.net\n', 'bofh': 'opt GREYLIST=1\nopt DMARC=record\nopt BOFHSPFMAILFROM=pass\n', 'esmtpd': 'PORT=2525\nBLACKLISTS=-block=zen.example.org\nBOFHCHECKDNS=1\n', 'esmtpd-msa': 'PORT=2587\n', 'lmtpd': 'PORT=2424\n',
  });
  assert.deepEqual(['GREYLIST', 'BLACKLISTS', 'DMARC', 'BOFHSPFMAILFROM', 'BOFHCHECKDNS'].map(name => usual['esmtpd']?.get(name)), ['1', '-block=zen.example.org', 'record', 'pass', '1']);
  assert.deepEqual(['GREYLIST', 'BLACKLISTS', 'BOFHSPFMAILFROM'].map(name => usual['esmtpd-msa']?.get(name)), [undefined, undefined, 'pass']);
  assert.deepEqual(['GREYLIST', 'BLACKLISTS', 'DMARC', 'BOFHSPFMAILFROM', 'BOFHCHECKDNS'].map(name => usual['lmtpd']?.get(name)), [undefined, undefined, undefined, undefined, '0']);
  const named = write({ 'esmtpd-msa': 'PORT=2587\nBLACKLISTS=-block=own.example.org\n', 'lmtpd': 'PORT=2424\nBOFHCHECKDNS=1\n' });
  assert.equal(named['esmtpd-msa']?.get('BLACKLISTS'), '-block=own.example.org');
  assert.equal(named['lmtpd']?.get('BOFHCHECKDNS'), '1');
});

test('TCPDOPTS reaches the listener: limits in the place of the variables, lists behind BLACKLISTS, and places only with -accesslocal', t => {
  const read = (files: Record<string, string>) => folderOf(t, files).read();
  const { listeners } = read({ 'esmtpd': 'MAXPERIP=3\nTCPDOPTS="-maxperip=9 -maxprocs=90 -block=more.example"\nBLACKLISTS="-block=bad.example"\n', 'esmtpd-msa': '' });
  assert.deepEqual(listeners.map(one => [one.maxConnections, one.maxPerAddress, one.maxPerBlock, one.variables.get('BLACKLISTS')]), [[90, 9, 5, '-block=bad.example -block=more.example'], [90, 9, 5, undefined]]);
  const own = read({ 'esmtpd': '', 'esmtpd-msa': 'TCPDOPTS=-block=more.example\n' });
  assert.deepEqual(own.listeners.map(one => one.variables.get('BLACKLISTS')), [undefined, '-block=more.example']);
  const idle = read({ 'esmtpd': '', 'smtpaccess/default': '*.25\tallow,MIME=none\n127.0.0.1.25\tallow,RELAYCLIENT\n' });
  assert.deepEqual(idle.notices.filter(({ what }) => what.includes('-accesslocal')).length, 2);
  const used = read({ 'esmtpd': 'TCPDOPTS=-accesslocal\n', 'smtpaccess/default': '*.25\tallow,MIME=none\n127.0.0.1.25\tallow,RELAYCLIENT\n' });
  assert.deepEqual([used.notices.filter(({ what }) => what.includes('-accesslocal')).length, used.listeners[0]?.options?.local], [0, true]);
});

test('TCPDOPTS: what it says about clients counts, logging is another matter, and the rest is named', () => {
  const options = valueOf(parseListenerOptions(`-stderrlogger=/usr/sbin/courierlogger -noidentlookup -nodnslookup -denymsg="Go away, please" -accesslocal -maxperip=9 -listen=100 -block=bad.example,BLOCK,"No, thanks" -drop`));
  assert.deepEqual(options, { nameless: true, denied: 'Go away, please', local: true, limits: { maxperip: 9 }, lists: ['-block=bad.example,BLOCK,"No, thanks"', '-drop'], idle: ['listen'] });
  assert.deepEqual(valueOf(parseListenerOptions('')), { nameless: false, denied: null, local: false, limits: {}, lists: [], idle: [] });
  for (const bad of ['nodnslookup', '-maxperip=many', '-maxprocs=0', '-block=nodots']) assert.deepEqual(linesOf(parseListenerOptions(bad)), [1], bad);
});
