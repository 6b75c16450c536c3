/** Reports in the operator's words: Courier's templates, other languages, other receivers. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { simpleParser } from 'mailparser';
import { formatProblem, readConfiguration } from '../../../src/configuration.ts';
import type { Address } from '../../../src/core/envelope.ts';
import type { Outcome } from '../../../src/core/outcome.ts';
import { encodeNamedAddress, encodeWords } from '../../../src/grammar/mime/encoded-word.ts';
import { newsOf, openCase, type Case } from '../../props/report-case.ts';

const root = mkdtempSync(join(tmpdir(), 'posthorn-texts-'));
after(() => rmSync(root, { recursive: true }));
const failed: Outcome = { kind: 'failed', status: '5.1.1', said: { type: 'smtp', text: '550 no', remoteMta: 'mx.example' } };
const deferred: Outcome = { kind: 'deferred', status: '4.2.1', blame: 'recipient' };

function configured(files: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(root, 'config-'));
  for (const [name, text] of Object.entries({ me: 'gw.example\n', ...files })) writeFileSync(join(folder, name), text);
  return readConfiguration(folder);
}

test('Courier’s own templates, and German ones, are filled in and sent as UTF-8', async () => {
  const read = configured({
    'dsnheader.txt': 'Content-Type: text/plain; charset=us-ascii\nContent-Transfer-Encoding: 7bit\n\nDies ist ein Bericht von [#ME#].\nAngenommen am [#FROMTIME#]\nvon [#FROMMTA#].\n\n',
    'dsnfailed.txt': 'NICHT zugestellt an:\n\n', 'dsnfooter.txt': 'Schöne Grüße\n', 'dsnsubjectnotice.txt': 'Ihre Nachricht wurde nicht zugestellt: Zustellung unmöglich\n',
    dsnfrom: '"Größe & Söhne" <@>\n',
  });
  assert.ok(read.kind === 'read');
  const { texts, from } = read.configuration.reports;
  const { desk, reporter } = openCase({ texts, dsnFrom: from! });
  await reporter.report(newsOf({ recipients: [{ outcome: failed }], content: 'Subject: x\n\nbody\n' }));
  const { octets, options } = desk.queued[0]!;
  const header = octets.toString('latin1').split('\r\n\r\n')[0]!;
  assert.match(header, /^[\r\n -~]*$/, 'the header is ASCII');
  const mail = await simpleParser(octets);
  assert.equal(mail.subject, 'Ihre Nachricht wurde nicht zugestellt: Zustellung unmöglich');
  assert.equal(mail.from?.value[0]?.name, 'Größe & Söhne');
  assert.match(mail.text ?? '', /^Dies ist ein Bericht von gw\.example\.\nAngenommen am Mon, 05 Jan 2026 12:00:00 \+0000\nvon client\.example/);
  assert.match(mail.text ?? '', /NICHT zugestellt an:\n\n<r0@there\.example>:\n[^]*Schöne Grüße/);
  assert.equal(options.body, '8bitmime');
});

test('a template with a name that nothing is known of is a problem with its file', () => {
  const read = configured({ 'dsnfooter.txt': 'Bye from [#HOST#]\n' });
  assert.ok(read.kind === 'wrong');
  assert.match(read.problems.map(formatProblem).join('\n'), /dsnfooter\.txt: nothing is known of \[#HOST#\]/);
});

test('encoded words: never a character cut in two, never a line too long', () => {
  for (const text of ['', 'plain', 'Größe', '件名'.repeat(40), '🦔'.repeat(60), 'a'.repeat(200) + 'é']) {
    const encoded = encodeWords(text);
    const back = encoded.replaceAll(/(?:\r\n )?=\?utf-8\?B\?([^?]*)\?=/g, (_, word: string) => Buffer.from(word, 'base64').toString('latin1'));
    assert.equal(/=\?/.test(encoded) ? Buffer.from(back, 'latin1').toString() : back, text);
    for (const line of encoded.split('\r\n')) assert.ok(/^[ -~]*$/.test(line) && (line === text || line.length <= 77), line);
  }
  assert.equal(encodeNamedAddress('plain@example.org'), 'plain@example.org');
  assert.equal(encodeNamedAddress('Jörg <j@example.org>'), '=?utf-8?B?SsO2cmc=?= <j@example.org>');
});

test('DSNTOAUTHADDR and DSNDEFAULTNOTIFYDELAY', async () => {
  const about = (own: Partial<Case>): ReturnType<typeof newsOf> => newsOf({ recipients: [{ outcome: failed }], content: 'Subject: x\n\n', ...own });
  const origin = { source: 'submission', protocol: 'ESMTPSA', at: 0, login: 'ann@accounts.example' } as const;
  for (const [wishes, login, to] of [
    [{ toLogin: true, delaysByDefault: true }, 'ann@accounts.example', 'ann@accounts.example'],
    [{ toLogin: true, delaysByDefault: true }, 'ann', 'sender@here.example'],
    [{ toLogin: true, delaysByDefault: true }, 'not@an@address@', 'sender@here.example'],
    [{ toLogin: false, delaysByDefault: true }, 'ann@accounts.example', 'sender@here.example'],
  ] as const) {
    const { desk, reporter } = openCase({ wishes });
    await reporter.report(about({ envelope: { origin: { ...origin, login } } }));
    assert.deepEqual(desk.queued.map((one) => one.to), [[to]]);
    await reporter.report(about({ envelope: { reversePath: null, origin: { ...origin, login } } }));
    assert.deepEqual(desk.queued[1]?.to, ['postmaster@gw.example'], 'a message without a sender has none by login either');
  }
  for (const [delaysByDefault, notify, count] of [[true, undefined, 1], [false, undefined, 0], [false, ['delay'], 1], [true, ['failure'], 0]] as const) {
    const { desk, reporter } = openCase({ wishes: { toLogin: false, delaysByDefault } });
    await reporter.report(about({ kind: 'delay', recipients: [{ address: 'r@there.example' as Address, outcome: deferred, ...(notify === undefined ? {} : { notify }) }] }));
    assert.equal(desk.queued.length, count);
  }
});
