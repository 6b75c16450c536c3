/** Fax with the real driver and a simulated modem: mail in, pages out, a success DSN back; a call in, mail out. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { openFaxSimulator, type FaxSimulator } from '../../../hardware/fax-simulator/simulator.ts';
import { decodePage, encodePage } from '../../../hardware/fax-simulator/t4.ts';
import type { FaxScript } from '../../../hardware/fax-simulator/script.ts';
import { FAX_ROW_OCTETS } from '../../../src/core/fax.ts';
import { createSystemClock } from '../../../src/kit/system-clock.ts';
import { boxFor, type Box } from '../../props/box.ts';
import { drawnPage } from '../../props/fax-pages.ts';
import { noSocat } from '../../props/fax-modem.ts';
import { simpleParts } from '../../props/mail-parts.ts';
import { post } from '../../props/post.ts';
import { readReport } from '../../props/read-report.ts';
import { scratchFolder } from '../../props/scratch.ts';
import { openSink, type Sink } from '../../props/sink.ts';
import { within } from '../../props/within.ts';

const missing = noSocat !== false ? noSocat : spawnSync('gs', ['--version']).error === undefined ? false : 'gs is not here';
/** As fast as a modem can be: a page in seconds instead of half a minute. */
const FAST = '1,D,0,2,0,0,0,0';

interface Office {
  readonly box: Box;
  readonly modem: FaxSimulator;
  readonly sink: Sink;
}

async function office(t: TestContext, script: FaxScript = {}, options = ''): Promise<Office> {
  const folder = mkdtempSync(join(scratchFolder('fax-journey'), 'm-'));
  const modem = await openFaxSimulator({ path: join(folder, 'ttyF0'), clock: createSystemClock(), script: { agreed: FAST, capabilities: FAST, ...script } });
  t.after(() => modem.close());
  const sink = await openSink({ extensions: ['PIPELINING', '8BITMIME'] });
  t.after(() => sink.close());
  const box = await boxFor(t, {
    nextHop: sink.port,
    files: {
      'smtpaccess/default': '127.0.0.1\tallow,RELAYCLIENT,FAXRELAYCLIENT\n',
      faxrc: 'accept^ . esmtp\naccept^ . local\n',
      faxout: 'STATION_ID="+49 30 555"\nSTATION_NAME="Posthorn"\n',
      faxmodems: `${modem.path} locks=${folder} profile=simulator ${options}\n`,
      faxnotifyrc: 'RCPTTO="office@there.example"\n',
      faxarrivals: 'sender "+49 89*" munich@there.example\nattach pdf png tiff\n',
    },
  });
  await box.start();
  return { box, modem, sink };
}

const PDF = (() => {
  const drawing = 'BT /F1 36 Tf 72 700 Td (An order for ten horns) Tj ET';
  return `%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>endobj\n4 0 obj<</Length ${drawing.length}>>stream\n${drawing}\nendstream endobj\ntrailer<</Root 1 0 R>>\n`;
})();

function letter(): string {
  return ['From: Ada <ada@sender.example>', 'To: 5551212@fax', 'Subject: An order', 'Date: Sat, 21 Nov 2026 09:00:00 +0000', 'Message-ID: <order@sender.example>', 'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=b', '', '--b', 'Content-Type: text/plain', '', 'Please find our order behind this page.', '--b', 'Content-Type: application/pdf; name="order.pdf"',
    'Content-Transfer-Encoding: base64', '', ...(Buffer.from(PDF).toString('base64').match(/.{1,76}/g) ?? []), '--b--', ''].join('\r\n');
}

test('an order by mail leaves the modem as pages, and its sender hears of it', { skip: missing, timeout: 120_000 }, async t => {
  const { box, modem, sink } = await office(t);
  await post(box, { token: 'order', to: ['5551212@fax'], content: letter(), mailParameters: ' RET=HDRS ENVID=order', rcptParameters: ' NOTIFY=SUCCESS,FAILURE' });
  await sink.until(100_000, 'the report', () => sink.arrivals.some(one => one.reversePath === ''));
  const [call] = modem.calls;
  assert.equal(call?.number, '5551212');
  assert.equal(call.stationId, '+49 30 555');
  assert.equal(call.ended, 'hangup 0');
  assert.equal(call.pages.length, 2, 'the cover page, and one of the PDF');
  for (const { coded, lostOctets } of call.pages) {
    const page = decodePage(coded);
    assert.equal(lostOctets, 0);
    assert.equal(page.badRows, 0);
    assert.ok(page.rows > 2000, `${page.rows} rows`);
    assert.ok(page.bitmap.some(octet => octet !== 0), 'something is drawn on it');
  }
  const report = await readReport(sink.arrivals.find(one => one.reversePath === '')!.content);
  assert.equal(report.recipients[0]?.get('action'), 'delivered');
  assert.match(report.recipients[0]?.get('final-recipient') ?? '', /5551212@fax/);
  assert.equal(await box.stop(60_000), 0);
});

test('a call comes in and becomes mail: PDF, pictures, TIFF, to whom it is for', { skip: missing, timeout: 120_000 }, async t => {
  const { box, modem, sink } = await office(t, { classes: ['2'] }, 'answer=1');
  const pages = [drawnPage(500, 1), drawnPage(400, 2)];
  const result = await within(60_000, 'the call', modem.ring({ pages, farId: '+49 89 1234', rings: 9 }));
  assert.deepEqual(result, { answered: true, verdicts: [1, 1], ended: 'hangup 0' });
  await sink.until(30_000, 'the mail', () => sink.arrivals.length === 1);
  const [mail] = sink.arrivals;
  assert.deepEqual(mail!.recipients, ['munich@there.example']);
  const parts = simpleParts(Buffer.from(mail!.content));
  assert.match(parts[0]!.toString(), /Sender id: {2}\+49 89 1234/);
  assert.match(mail!.content.toString(), /^Subject: New fax received from \+49 89 1234 \(2 pages\)\r$/m);
  assert.equal(parts[1]!.toString('latin1', 0, 5), '%PDF-');
  assert.equal(parts[2]!.readUInt32BE(20), 500);
  assert.equal(parts[3]!.readUInt32BE(20), 400);
  assert.equal(parts[4]!.toString('latin1', 0, 2), 'II');
  await box.logged('the fax', line => line.event === 'fax-in' && line['pages'] === 2);
  for (let waited = 0; readdirSync(join(box.folder, 'state', 'fax', 'incoming')).length > 0; waited++) {
    assert.ok(waited < 100, 'the spool is not emptied');
    await new Promise(next => setTimeout(next, 20));
  }
  assert.equal(await box.stop(60_000), 0);
});

test('killed in the middle of a call: the pages that were confirmed come with the next start', { skip: missing, timeout: 120_000 }, async t => {
  const { box, modem, sink } = await office(t, { classes: ['2'], at: step => {
    if (step.kind === 'arriving' && step.page === 2 && step.octets > 2000) process.kill(box.pid, 'SIGKILL');
    return undefined;
  } }, 'answer=1');
  void modem.ring({ pages: [drawnPage(300, 1), drawnPage(300, 2)], rings: 9 });
  assert.equal(await box.ended(60_000), null);
  await modem.unplug();
  await box.start();
  await sink.until(30_000, 'the mail', () => sink.arrivals.length === 1);
  assert.match(sink.arrivals[0]!.content.toString(), /This is a partial fax: the call was interrupted after 1 page\./);
});

test('mgetty hands a fax over, and the commands tell of modems', { skip: missing, timeout: 120_000 }, async t => {
  const { box, modem, sink } = await office(t);
  const bitmap = drawnPage(200, 3);
  const files = ['ff1234567S0-49-89-1234.01', 'ff1234567S0-49-89-1234.02'].map(name => join(box.folder, name));
  writeFileSync(files[0]!, encodePage(bitmap));
  writeFileSync(files[1]!, encodePage(bitmap.subarray(0, 50 * FAX_ROW_OCTETS)));
  const received = await box.run(['fax', 'received', '91', '"; touch /tmp/x', '2', ...files]);
  assert.equal(received.code, 0, received.stderr);
  assert.match(received.stdout, /Kept 2 of 2 pages/);
  await sink.until(30_000, 'the mail', () => sink.arrivals.length === 1);
  assert.match(sink.arrivals[0]!.content.toString(), /interrupted after 1 page \(hang-up code 91\)/);
  assert.deepEqual(readdirSync(box.folder).filter(name => name.startsWith('ff')), [], 'the originals are gone');

  const status = await box.run(['fax', 'status']);
  assert.equal(status.code, 0);
  assert.match(status.stdout, /^ttyF0 {2}free/);
  const probe = await box.run(['fax', 'probe', 'ttyF0']);
  assert.equal(probe.code, 0, probe.stdout + probe.stderr);
  assert.match(probe.stdout, /POSTHORN FAX SIMULATOR/);
  assert.match(probe.stdout, /classes: {4}0, 2, 2\.0; class 2\.0 is used/);
  await modem.unplug();
  const absent = await box.run(['fax', 'probe']);
  assert.equal(absent.code, 69);
  assert.match(absent.stdout, /no fax modem that works\n {2}! There is no modem at/);
});
