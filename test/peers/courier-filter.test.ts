/** Filters written for Courier, unchanged: one over the bare socket as its manual describes, and Debian's courier-filter-perl. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { boxFor, type Box } from '../props/box.ts';
import { messageText } from '../props/messages.ts';
import { openSink, type Sink } from '../props/sink.ts';
import { dialSmtp, type Reply } from '../props/smtp-client.ts';
import { eventually } from '../props/within.ts';

const repository = join(import.meta.dirname, '..', '..');
const noPerl = existsSync('/usr/bin/perl') ? false : 'perl is not installed';

/** A box whose filter `name` is this program; its sockets are where the program believes Courier's to be. */
async function filtered(t: TestContext, name: string, program: (box: Box, sockets: string) => string, files: Readonly<Record<string, string>> = {}): Promise<{ box: Box; sink: Sink; sockets: string }> {
  const sink = await openSink();
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port, files: { enablefiltering: 'esmtp\n', ...files } });
  // A socket's path has room for 107 octets, and a program's name is among them.
  const sockets = mkdtempSync(join(tmpdir(), 'courier-'));
  t.after(() => rmSync(sockets, { recursive: true, force: true }));
  box.configure({ filtersockets: `${sockets}\n` });
  mkdirSync(join(box.config, 'filters', 'active'), { recursive: true });
  const path = join(box.folder, name);
  writeFileSync(path, program(box, sockets), { mode: 0o755 });
  symlinkSync(path, join(box.config, 'filters', 'active', name));
  await box.start();
  return { box, sink, sockets };
}

async function send(box: Box, subject: string, to: readonly string[] = ['bob@there.example'], token = subject): Promise<Reply> {
  const client = await dialSmtp({ port: box.port });
  await client.hello('client.example');
  const reply = await client.send({ from: 'ada@sender.example', to, content: messageText({ token, subject }) });
  await client.quit();
  return reply;
}

const ours = (_box: Box, sockets: string) => readFileSync(join(import.meta.dirname, '..', 'props', 'courier-filter.pl'), 'utf8').replace('@HOME@', sockets);

test('a filter of one\'s own over Courier\'s socket: every answer reaches the client as the filter said it', { skip: noPerl, timeout: 60_000 }, async t => {
  const { box, sink, sockets } = await filtered(t, 'ourfilter', ours, { 'filters/ourfilter-mode': 'all\n', contentfilters: 'ourfilter courier timeout=2s\n' });
  assert.deepEqual(readdirSync(join(sockets, 'allfilters')), ['ourfilter'], 'ready means that its socket is there');
  assert.equal((await send(box, 'fine')).code, 250);
  await sink.arrival('fine');
  assert.match((await send(box, 'no')).text, /^550-5\.7\.1 First line\n550 5\.7\.1 Second line$/);
  assert.match((await send(box, 'later')).text, /^451 4\.7\.1 Come again$/);
  assert.match((await send(box, 'odd')).text, /^571 5\.7\.1 Not authorized$/, 'the filter\'s own code');
  assert.match((await send(box, 'nonsense')).text, /^432 4\.3\.0 /, 'what nobody can read is trouble, not a refusal');
  const records = (await send(box, 'records', ['bob@there.example', 'carol@there.example'])).lines.map(line => line.replace(/^5\.7\.1 /, ''));
  assert.ok(records.includes('sada@sender.example'), records.join('|'));
  assert.deepEqual(records.filter(line => line.startsWith('r')), ['rbob@there.example', 'rcarol@there.example']);
  assert.ok(records.some(line => /^fdns; client\.example \(localhost \[127\.0\.0\.1\]\)$/.test(line)), 'who gave it to us, in Courier\'s form');
  assert.ok(records.includes('uauthsmtp') && records.includes('ORELAYCLIENT=') && records.includes('OTCPREMOTEIP=127.0.0.1'), 'a client that may relay');
  assert.ok(records.some(line => /^M[0-9A-F]+\.[0-9A-F]+$/.test(line)) && records.some(line => /^E\d+$/.test(line)) && records.some(line => /^W\d+$/.test(line)));
  assert.ok(!records.at(-1)?.includes('CR'), 'line ends are LF, as Courier stores mail');
  assert.equal(sink.count, 1, 'what was refused is nowhere');
  // The answer does not wait for the folder to be cleared.
  await eventually(5000, 'nothing to be left of what was looked at', () => readdirSync(join(box.folder, 'state', 'filtering')).length === 0);

  assert.match((await send(box, 'sleep')).text, /^432 4\.3\.0 /, 'its time limit');
  await eventually(20_000, 'the filter to run again', async () => /^ourfilter {2}program {2}running/m.test((await box.run(['filterctl', 'status'])).stdout));
  assert.equal(await box.stop(), 0);
});

test('a filter that dies holds mail back, is started again, and ends in order with the gateway', { skip: noPerl, timeout: 60_000 }, async t => {
  const { box, sink } = await filtered(t, 'ourfilter', ours);
  assert.match((await send(box, 'die')).text, /^432 4\.3\.0 /);
  await box.logged('it died', line => line.event === 'filter' && line['what'] === 'ended by itself' && line['how'] === 'exit 3');
  const from = box.log.length;
  assert.match((await send(box, 'meanwhile')).text, /^432 /, 'nothing slips past it');
  await box.logged('it runs again', line => line.event === 'filter' && line['what'] === 'ready', { from });
  assert.equal((await send(box, 'after')).code, 250);
  await sink.arrival('after');
  assert.equal((await box.run(['filterctl', 'stop', 'ourfilter'])).code, 0);
  await box.logged('orderly', line => line.event === 'filter' && line['said'] === 'ended in order');
  assert.equal((await send(box, 'no', undefined, 'unfiltered')).code, 250, 'switched off');
  assert.equal((await box.run(['filterctl', 'start', 'ourfilter', join(box.folder, 'ourfilter')])).code, 0);
  assert.equal((await send(box, 'no')).code, 550, 'switched on again');
  assert.equal(await box.stop(), 0);
  assert.equal(sink.count, 2);
});

test('every process that receives asks the filters, and one of them keeps the programs', { skip: noPerl, timeout: 60_000 }, async t => {
  const { box, sink } = await filtered(t, 'ourfilter', ours, { receiveprocesses: '3\n' });
  // Enough connections that each process gets some, whichever way the system deals them out.
  const codes = await Promise.all(Array.from({ length: 60 }, async () => (await send(box, 'no')).code));
  assert.deepEqual([...new Set(codes)], [550]);
  assert.equal(box.log.filter(line => line.event === 'filter' && line['what'] === 'ready').length, 1);
  const receivers = new Set(box.log.filter(line => line.event === 'error').map(line => line['receiver']));
  assert.ok(receivers.size > 1, 'more than one process was asked');
  assert.equal(sink.count, 0);
  assert.equal(await box.stop(), 0);
});

const unpacked = join(repository, 'build', 'peers', 'courier-filter-perl');
const debian = [unpacked, ''].map(root => ({ root, program: `${root}/usr/lib/courier/filters/courier-filter-perl` })).find(one => existsSync(one.program));

function lacks(): string | false {
  if (noPerl !== false) return noPerl;
  if (debian === undefined) return 'courier-filter-perl is not here (packaging/peers.sh unpacks it)';
  try {
    execFileSync('/usr/bin/perl', ['-MError', '-MEncode', '-e', '1'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'liberror-perl is not installed';
  }
}

test('Debian\'s courier-filter-perl runs unchanged', { skip: lacks(), timeout: 60_000 }, async t => {
  // Program, framework and modules as packaged, to the octet. Courier::Config is the site's: it says where Courier lives.
  const { box, sink } = await filtered(t, 'courier-filter-perl', (box, sockets) => {
    const site = join(box.folder, 'site', 'Courier');
    mkdirSync(site, { recursive: true });
    writeFileSync(join(site, 'Config.pm'), [
      'package Courier::Config;', 'use strict;', `use constant config_dir => '${box.config}';`, `use constant runtime_dir => '${sockets}';`,
      "use constant filter_conf_file => config_dir . '/filters/courier-filter-perl.conf';", 'BEGIN { no warnings; *COURIER_FILTER_CONF = \\&filter_conf_file; }', '1;', '',
    ].join('\n'));
    process.env['PERL5LIB'] = `${join(box.folder, 'site')}:${debian?.root}/usr/share/courier-filter-perl/perl5`;
    t.after(() => delete process.env['PERL5LIB']);
    return readFileSync(debian?.program ?? '', 'utf8');
  }, {
    'filters/courier-filter-perl.conf': [
      'use Courier::Filter::Module::Header;', 'use Courier::Filter::Module::Envelope;', 'use Courier::Filter::Module::BlankBody;',
      'our $options = { modules => [',
      "  Courier::Filter::Module::Header->new(fields => { subject => qr/cheap/i }),",
      "  Courier::Filter::Module::Envelope->new(fields => { sender => qr/^spammer\\@/ }),",
      '  Courier::Filter::Module::BlankBody->new(),',
      '] };', '1;', '',
    ].join('\n'),
  });
  assert.equal((await send(box, 'good', ['bob@there.example'])).code, 250);
  await sink.arrival('good');
  const cheap = await send(box, 'CHEAP watches');
  assert.equal(cheap.code, 550, cheap.text);
  const client = await dialSmtp({ port: box.port });
  await client.hello();
  assert.equal((await client.send({ from: 'spammer@sender.example', to: ['bob@there.example'], content: messageText({ token: 'x' }) })).code, 550);
  assert.equal((await client.send({ from: 'ada@sender.example', to: ['bob@there.example'], content: 'Subject: empty\r\n\r\n\r\n' })).code, 550, 'a blank body');
  await client.quit();
  assert.equal(sink.count, 1);
  assert.equal(await box.stop(), 0);
});
