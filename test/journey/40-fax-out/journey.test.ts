/** Mail with a PDF and a picture in by ESMTP, pages out of the line, success DSN back; and what is refused at the door. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { decodePage } from '../../../hardware/fax-simulator/t4.ts';
import { readConfiguration } from '../../../src/configuration.ts';
import type { FaxLine } from '../../../src/core/fax.ts';
import { proofOf } from '../../../src/gateway/ways-out/fax.ts';
import { openGateway } from '../../../src/gateway.ts';
import { boxFor, type Box } from '../../props/box.ts';
import { noSocat, openModemBench } from '../../props/fax-modem.ts';
import { faxMail, png, postscript } from '../../props/fax-mail.ts';
import { post } from '../../props/post.ts';
import { readReport } from '../../props/read-report.ts';
import { createScriptedFaxLine } from '../../props/scripted-fax-line.ts';
import { openSink, type Sink } from '../../props/sink.ts';
import { eventually } from '../../props/within.ts';

const skip = spawnSync('gs', ['--version']).error === undefined ? false : 'Ghostscript is not installed';
const FAXRC = 'rw^* 1 $9\nrw (nnnnnnn) 999$1\naccept 2nnnnnnnnn esmtp\naccept 9nnnnnnnnn esmtp\nrw^ (.) 1$1$9\nrw^ 1999 $9\n';

/** The whole gateway in this process, so that its line can be a script. */
async function openOffice(t: TestContext, line: FaxLine, files: Readonly<Record<string, string>> = {}): Promise<{ readonly box: Box; readonly sink: Sink; report(ms?: number): Promise<Awaited<ReturnType<typeof readReport>>> }> {
  const sink = await openSink();
  t.after(() => sink.close());
  const box = await boxFor(t, {
    nextHop: sink.port,
    files: { 'smtpaccess/default': '127.0.0.1\tallow,RELAYCLIENT,FAXRELAYCLIENT\n', faxrc: FAXRC, faxout: 'STATION_ID="+1 999 555 0000"\nSTATION_NAME="Acme"\n', retryalpha: '1s\n', ...files },
  });
  const read = readConfiguration(box.config);
  assert.ok(read.kind === 'read', JSON.stringify(read));
  const complaints: unknown[] = [];
  const log = { info: () => undefined, warn: () => undefined, error: (event: string, fields?: unknown) => void complaints.push({ event, fields }) };
  const gateway = await openGateway(read.configuration, { log, version: '0', faxLine: line });
  t.after(async () => {
    await gateway.close();
    t.diagnostic(complaints.length === 0 ? 'nothing was logged as an error' : JSON.stringify(complaints));
  });
  return {
    box, sink,
    async report(ms = 20_000) {
      await sink.until(ms, 'the report', () => sink.arrivals.some(one => one.reversePath === ''));
      return readReport((sink.arrivals.find(one => one.reversePath === '') as (typeof sink.arrivals)[number]).content);
    },
  };
}

test('a letter with a PDF and a picture goes out as four pages, and the sender hears of it', { skip, timeout: 90_000 }, async (t) => {
  const line = createScriptedFaxLine(() => ({ remoteId: '+1 999 555 1212' }));
  const { box, report } = await openOffice(t, line);
  const content = faxMail('Good morning.', [{ type: 'application/postscript', octets: postscript(2), name: 'offer.ps' }, { type: 'image/png', octets: png(400, 300), name: 'photo.png' }]);
  const reply = await post(box, { token: 'x', to: ['"(999) 555 1212"@fax'], content, rcptParameters: ' NOTIFY=SUCCESS,FAILURE' });
  assert.equal(reply.code, 250);
  const { recipients, text } = await report();
  const [recipient] = recipients;
  assert.equal(recipient?.get('action'), 'delivered');
  assert.equal(recipient?.get('diagnostic-code'), 'x-fax; 4 pages - including 1 cover page - sent by fax to 5551212, which answered as +1 999 555 1212');
  assert.match(text, /4 pages/);
  const [call] = line.calls;
  assert.deepEqual([call?.number, call?.stationId, call?.pages.length], ['5551212', '+1 999 555 0000', 4]);
  for (const { rows, bits, resolution } of call?.pages ?? []) {
    assert.deepEqual([rows, bits.length, resolution], [2287, 2287 * 216, 'fine']);
    assert.ok(bits.subarray(0, 44 * 216).some(octet => octet !== 0), 'each page has its line');
  }
  assert.equal(new Set((call?.pages ?? []).map(({ bits }) => Buffer.from(bits).toString('base64'))).size, 4, 'no page is another');
});

test('through the real driver and a modem, every pel arrives: PDF, picture and cover as the proof shows them', { skip: skip === false ? noSocat : skip, timeout: 120_000 }, async (t) => {
  const bench = await openModemBench(t, { agreed: '1,D,0,2,0,0,0,0', capabilities: '1,D,0,2,0,0,0,0' });
  const line = bench.openLine();
  const { box, report } = await openOffice(t, line);
  const pdf = spawnSync('gs', ['-q', '-dSAFER', '-dBATCH', '-dNOPAUSE', '-sDEVICE=pdfwrite', '-sOutputFile=-', '-'], { input: postscript(1), maxBuffer: 8_000_000 }).stdout;
  const content = faxMail('Good morning.', [{ type: 'application/pdf', octets: pdf, name: 'offer.pdf' }, { type: 'image/png', octets: png(100, 60), name: 'photo.png' }]);
  assert.equal((await post(box, { token: 'x', to: ['5551212@fax'], content, rcptParameters: ' NOTIFY=SUCCESS,FAILURE' })).code, 250);
  const { recipients } = await report(100_000);
  assert.match(recipients[0]?.get('diagnostic-code') ?? '', /^x-fax; 3 pages - including 1 cover page - sent by fax to 5551212/, bench.journal());
  const read = readConfiguration(box.config);
  assert.ok(read.kind === 'read');
  writeFileSync(join(box.folder, 'mail.eml'), content);
  const proof = await proofOf(read.configuration, join(box.folder, 'mail.eml'), { number: '5551212', options: { lowres: false, ignore: false, cover: false } }, new AbortController().signal);
  assert.ok(proof.kind === 'made');
  const [call] = bench.modem.calls;
  assert.deepEqual([call?.number, call?.pages.length], ['5551212', 3]);
  // Below the line at the top, which has the minute in it.
  const strip = 44 * 216;
  for (const [n, { coded }] of (call?.pages ?? []).entries()) {
    const { bits } = await proof.page(n);
    assert.ok(Buffer.from(decodePage(coded).bitmap).subarray(strip).equals(Buffer.from(bits).subarray(strip)), `page ${n + 1}`);
  }
  await proof.close();
});

test('a call that breaks goes on at the page that was not confirmed', { skip, timeout: 90_000 }, async (t) => {
  const line = createScriptedFaxLine((_, n) => (n === 0 ? { end: { kind: 'hangup', code: 50 }, confirmed: 1 } : undefined));
  const { box, report } = await openOffice(t, line, { faxout: 'PAIDRETRY=1s\n' });
  assert.equal((await post(box, { token: 'x', to: ['5551212@fax-lowres'], content: faxMail('Hello', [{ type: 'application/postscript', octets: postscript(2) }]), rcptParameters: ' NOTIFY=SUCCESS' })).code, 250);
  const { recipients } = await report();
  assert.match(recipients[0]?.get('diagnostic-code') ?? '', /3 pages - including 1 cover page - sent by fax to 5551212; in 2 calls/);
  assert.deepEqual(line.calls.map(({ pages }) => pages.map(({ resolution }) => resolution)), [['normal'], ['normal', 'normal']]);
});

test('what cannot be drawn, and a document that loops, come back with the reason, and nobody was called', { skip, timeout: 90_000 }, async (t) => {
  for (const [octets, type, what] of [['x', 'application/x-foo', /Nothing here can draw application\/x-foo/], [postscript(1, '{ } loop'), 'application/postscript', /longer than 1 s/]] as const) {
    const line = createScriptedFaxLine();
    const { box, report } = await openOffice(t, line, { faxout: 'PARTTIME=1s\n' });
    assert.equal((await post(box, { token: 'x', to: ['5551212@fax'], content: faxMail('Hello', [{ type, octets }]) })).code, 250);
    const { recipients } = await report();
    assert.deepEqual([recipients[0]?.get('action'), recipients[0]?.get('status')], ['failed', '5.6.1']);
    assert.match((recipients[0]?.get('diagnostic-code') ?? '').replaceAll(/\s+/g, ' '), what);
    assert.equal(line.calls.length, 0);
  }
});

test('who may not fax, and what may not be called, is refused at the door', { skip, timeout: 90_000 }, async (t) => {
  const line = createScriptedFaxLine();
  const { box } = await openOffice(t, line, { faxblocked: '^12900\n' });
  const content = faxMail('Hello', []);
  const to = async (address: string) => (await post(box, { token: 'x', to: [address], content })).text;
  assert.match(await to('911@fax'), /5\.1\.1 Invalid fax phone number/);
  assert.match(await to('hello@fax-cover'), /Invalid fax phone number/);
  assert.match(await to('2900555121@fax'), /5\.7\.1 This number is not called from here/);
  assert.match(await to('5551212@fax-foo'), /5\.1\.3/);
  const closed = await openOffice(t, line, { 'smtpaccess/default': '127.0.0.1\tallow,RELAYCLIENT\n' });
  assert.match((await post(closed.box, { token: 'x', to: ['5551212@fax'], content })).text, /5\.1\.3/, 'RELAYCLIENT alone is not enough');
  const none = await openOffice(t, line, { faxrc: '# nothing is accepted\n' });
  assert.match((await post(none.box, { token: 'x', to: ['5551212@fax'], content })).text, /5\.1\.1/);
  assert.equal(line.calls.length, 0);
});

test('the commands show what a number dials, and the pages as they would go', { skip, timeout: 90_000 }, async (t) => {
  const box = await boxFor(t, { files: { faxrc: FAXRC, faxout: 'STATION_ID="+1 999 555 0000"\n' } });
  const number = await box.run(['fax', 'number', '(999) 555 1212@fax-lowres', '--source', 'esmtp']);
  assert.equal(number.code, 0, number.stderr);
  assert.deepEqual(number.stdout.trim().split('\n').map(line => line.replaceAll(/ +/g, ' ')), [
    '(999) 555 1212@fax-lowres is 9995551212 to the rules', 'faxrc:4: accept 9nnnnnnnnn esmtp accepted', 'faxrc:5: rw^ (.) 1$1$9 -> 19995551212', 'faxrc:6: rw^ 1999 $9 -> 5551212', 'dial 5551212 (lowres)',
  ]);
  const refused = await box.run(['fax', 'number', '5551212', '--source', 'uucp']);
  assert.equal(refused.code, 1);
  assert.match(refused.stdout, /matches, for another source\n(?:.*\n)*refused: no line accepts it from uucp/);
  const [mail, pdf, pictures] = ['mail.eml', 'out.pdf', 'out.png'].map(name => join(box.folder, name)) as [string, string, string];
  writeFileSync(mail, faxMail('Hello', [{ type: 'application/postscript', octets: postscript(1) }]));
  const drawn = await box.run(['fax', 'render', mail, '-o', pdf]);
  assert.deepEqual([drawn.code, drawn.stdout], [0, `2 pages, 1 of cover: ${pdf}\n`], drawn.stderr);
  assert.ok(readFileSync(pdf, 'latin1').startsWith('%PDF-1.4') && (readFileSync(pdf, 'latin1').match(/\/Type \/Page /g) ?? []).length === 2);
  assert.equal((await box.run(['fax', 'render', mail, '-o', pictures, '--to', '5551212@fax-lowres-cover'])).code, 0);
  // One page needs no number behind its name; half the rows of a fine one.
  assert.equal(readFileSync(pictures).readUInt32BE(20), 1144);
  writeFileSync(mail, faxMail('Hello', [{ type: 'application/x-foo', octets: 'x' }]));
  const unfit = await box.run(['fax', 'render', mail, '-o', pdf]);
  assert.deepEqual([unfit.code, unfit.stderr], [1, 'posthorn fax: Nothing here can draw application/x-foo on a fax page\n']);
  assert.equal((await box.run(['fax', 'render', mail, '-o', 'x.doc'])).code, 64);
  assert.equal((await box.run(['fax', 'render', '/nonexistent', '-o', pdf])).code, 66);
});

test('without a modem mail waits, and nobody is told that it failed', { skip, timeout: 90_000 }, async (t) => {
  const line = createScriptedFaxLine(() => ({ end: { kind: 'unavailable', why: 'absent' } }));
  const { box, sink } = await openOffice(t, line);
  await post(box, { token: 'x', to: ['5551212@fax'], content: faxMail('Hello', []) });
  await eventually(20_000, 'the attempt', () => line.calls.length === 1);
  const listed = await box.run(['mailq']);
  assert.match(listed.stdout, /5551212@fax/);
  assert.equal(sink.count, 0);
});
