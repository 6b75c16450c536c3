/**
 * A message that others signed goes through us as it came (house decision 4): its signature verifies behind us, even one
 * over every octet of header and body ("simple/simple", RFC 6376 §3.4.1, §3.4.3). Corpus and chance write the messages.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { dkimSign } from 'mailauth/lib/dkim/sign.js';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import { boxFor } from '../../props/box.ts';
import { readCorpus } from '../../props/corpus.ts';
import fc from '../../props/fast-check.ts';
import { openSink } from '../../props/sink.ts';
import { dialSmtp } from '../../props/smtp-client.ts';

const RUNS = 60;
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const record = `v=DKIM1; k=rsa; p=${publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`;
const signatureData = (['simple/simple', 'relaxed/relaxed'] as const).map(canonicalization => ({
  signingDomain: 'sender.example', selector: canonicalization.startsWith('simple') ? 'octets' : 'words', privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), canonicalization,
}));

async function signed(message: Buffer): Promise<Buffer> {
  // Every field there is, whatever its name.
  const names = [...message.toString('latin1').split('\r\n\r\n')[0]?.matchAll(/^([!-9;-~]+)[ \t]*:/gm) ?? []].map(([, name]) => name).join(':');
  // Its types ask for one key beside the list of keys; it uses the list.
  const { signatures, errors } = await dkimSign(message, { signingDomain: 'sender.example', selector: 'octets', privateKey: '', signatureData: structuredClone(signatureData), headerList: `${names}:from`, signTime: new Date() });
  assert.deepEqual(errors, []);
  return Buffer.concat([Buffer.from(signatures, 'latin1'), message]);
}

async function verdicts(content: Buffer): Promise<readonly string[]> {
  const { results } = await dkimVerify(content, { resolver: () => Promise.resolve([[record]]) });
  return results.filter(({ signingDomain }) => signingDomain === 'sender.example').map(({ status }) => `${status.result} ${status.comment ?? ''}`.trim());
}

const ascii = fc.string({ unit: fc.constantFrom('a', 'Z', '0', '.', ' ', '\t', '=', '-', '@', '>', ',', '"', '(', ':', '~'), maxLength: 90 });
const line = (character: fc.Arbitrary<string>) => fc.oneof(
  fc.constantFrom('', '', '.', '..', '. ', ' ', '\t', 'From here', '--cut', '--cut--', '=20', 'x'.repeat(998)),
  fc.string({ unit: character, maxLength: 120 }),
);
/** Bodies of both lengths: below and above what is kept in the record, and what goes in one write. */
function bodies(character: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(fc.array(line(character), { maxLength: 40 }), fc.constantFrom(1, 1, 1, 1, 1, 300, 6000), fc.boolean()).map(([lines, times, ended]) => {
    const text = lines.join('\r\n');
    return `${Array.from({ length: text.length * times > 800_000 ? 1 : times }, () => text).join('\r\n')}${ended ? '\r\n' : ''}`;
  });
}
const fields = fc.array(fc.tuple(fc.constantFrom('Subject', 'X-Odd', 'x-lower', 'Received', 'Reply-To', 'List-Id', 'Content-Type', 'X-Spaced '), fc.array(ascii, { minLength: 1, maxLength: 4 })), { maxLength: 8 })
  .map(all => all.map(([name, parts]) => `${name}:${parts.map(part => part.trim() === '' ? ' x' : part).join('\r\n ')}\r\n`).join(''));
const eight = fc.constantFrom('a', ' ', '.', '\t', 'é', 'ß', '\u00ff', '\u0080', '=');
const seven = fc.constantFrom('a', 'b', ' ', '.', '\t', '=', '-', '~', '!');

function messages(character: fc.Arbitrary<string>): readonly Buffer[] {
  const one = fc.tuple(fields, bodies(character)).map(([header, body]) => Buffer.from(`From: Ada <ada@sender.example>\r\n${header}To:bob@there.example\r\n\r\n${body}`, 'latin1'));
  return fc.sample(one, RUNS);
}

for (const [what, extensions, letters] of [
  ['8BITMIME', undefined, () => [...readCorpus().map(({ content }) => content), ...messages(eight)]],
  ['no 8BITMIME, and nothing to convert', ['PIPELINING', 'SIZE'], () => [...readCorpus().filter(({ has8bit }) => !has8bit).map(({ content }) => content), ...messages(seven)]],
] as const) {
  test(`a signature survives the way to a peer with ${what}`, { timeout: 120_000 }, async (t) => {
    const sink = await openSink(extensions === undefined ? {} : { extensions });
    t.after(() => sink.close());
    const box = await boxFor(t, { nextHop: sink.port });
    await box.start();
    const client = await dialSmtp({ port: box.port });
    await client.hello();
    const sent: Buffer[] = [];
    for (const [n, letter] of letters().entries()) {
      const message = await signed(Buffer.concat([Buffer.from(`X-Token: s${n}\r\n`), letter]));
      assert.ok((await verdicts(message)).every(verdict => verdict === 'pass'), 'it verifies before it is sent');
      const answer = await client.send({ from: 'ada@sender.example', to: ['bob@there.example'], content: message, mailParameters: message.some(octet => octet > 127) ? ' BODY=8BITMIME' : '' });
      assert.equal(answer.code, 250, `${answer.text} to ${JSON.stringify(letter.toString('latin1', 0, 500))}`);
      sent.push(letter);
    }
    await client.quit();
    for (const [n, letter] of sent.entries()) {
      const { content } = await sink.arrival(`s${n}`);
      assert.deepEqual(await verdicts(content), ['pass', 'pass'], `it does not verify any more: ${JSON.stringify(letter.toString('latin1', 0, 2000))}`);
    }
    assert.equal(await box.stop(), 0);
  });
}
