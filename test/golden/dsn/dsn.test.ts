/** `UPDATE_GOLDEN=1 node --test test/golden/dsn/*.test.ts` writes the files anew; then read the difference. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { simpleParser } from 'mailparser';
import { parseDeliveryStatus } from '../../../src/grammar/dsn.ts';
import { newsOf, openCase } from '../../props/report-case.ts';
import { cases } from './cases.ts';

for (const [name, one] of Object.entries(cases)) {
  test(`a report is what ${name}.eml says`, async () => {
    const { desk, reporter } = openCase();
    assert.equal(await reporter.report(newsOf(one)), 'settled');
    const [queued, ...more] = desk.queued;
    assert.ok(queued !== undefined && more.length === 0);
    assert.equal(queued.from, null);
    const file = new URL(`${name}.eml`, import.meta.url);
    if (process.env['UPDATE_GOLDEN'] !== undefined) writeFileSync(file, queued.octets);
    assert.equal(queued.octets.toString('latin1'), readFileSync(file).toString('latin1'));

    // Whatever went in, what comes out is lines that can be sent, and no more 8-bit than the envelope says.
    assert.equal(queued.facts.bareCr + queued.facts.bareLf, 0);
    assert.ok(!queued.facts.hasNul && queued.facts.longestLine <= 998);
    assert.equal(queued.facts.has8bit && queued.options.body !== '8bitmime', false);
    if (queued.facts.header8bit) assert.equal(queued.options.smtputf8, true);
  });

  test(`others can read ${name}.eml`, async () => {
    const eml = readFileSync(new URL(`${name}.eml`, import.meta.url));
    const mail = await simpleParser(eml);
    assert.match(mail.text ?? '', /This is a report from the mail gateway at gw\.example/);
    assert.equal(mail.headers.get('auto-submitted'), 'auto-replied');
    const boundary = /boundary="([^"]+)"/.exec(eml.toString('latin1'))?.[1] ?? '';
    const parts = eml.toString('latin1').split(`\r\n--${boundary}`);
    assert.equal(parts.length, one.content === undefined ? 4 : 5, 'before, text, status, message if any, after');
    const status = parts[2] ?? '';
    const parsed = parseDeliveryStatus(Buffer.from(status.slice(status.indexOf('\r\n\r\n') + 4), 'latin1').toString());
    assert.ok(parsed !== null);
    assert.equal(parsed.reportingMta.text, 'gw.example');
    for (const recipient of parsed.recipients) assert.notEqual(recipient.finalRecipient.text, 'forged@example.org');
  });
}
