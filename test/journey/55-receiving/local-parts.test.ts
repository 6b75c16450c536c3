/** Quoted local-parts are any octets (RFC 5321 §4.1.2): none of them reaches a shell, an option, or a name outside. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { boxFor } from '../../props/box.ts';
import { dialSmtp } from '../../props/smtp-client.ts';
import { eventually } from '../../props/within.ts';

const tricks = (mark: string): readonly string[] => [
  `; touch ${mark};`, `$(touch ${mark})`, `\`touch ${mark}\``, `|touch ${mark}`, `| touch ${mark} #`, `&& touch ${mark}`, `x' ; touch ${mark} ; '`, `{touch,${mark}}`, `> ${mark}`,
  '../../../../escape', '/../escape', '..', '.', '/etc/passwd', 'a/b', './x', '~root', '%2e%2e/escape', 'nul:', '.courier', '.forward', '/dev/null', 'x y', '*', '-f root', '--help', '-oQ/tmp', 'a;b', 'a\tb', '\u202egpj', '$HOME', '!cmd', 'x'.repeat(60),
];

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`).replaceAll('\t', ' ')}"`;
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter(one => one.isFile()).map(one => relative(folder, join(one.parentPath, one.name)));
}

test('a pipe gets each recipient as one word, and a mailbox stays where mailboxes are', { timeout: 120_000 }, async t => {
  const box = await boxFor(t);
  const [mark, seen, program] = ['mark', 'seen', 'program'].map(name => join(box.folder, name)) as [string, string, string];
  writeFileSync(program, `#!/bin/sh\ncat > /dev/null\nfor word in "$@"; do printf '%s\\n' "$word" >> '${seen}'; done\n`);
  chmodSync(program, 0o755);
  box.configure({ pipes: `tell recipients=1: ${program} {nexthop} -- {recipients}\n`, piperoutes: 'pipe.example tell there\n', trialdomains: 'trial.example\n' });
  await box.start();
  const before = new Set(filesBelow(box.folder));
  const client = await dialSmtp({ port: box.port });
  await client.hello();
  const wanted: string[] = [];
  for (const trick of tricks(mark)) {
    for (const domain of ['pipe.example', 'trial.example']) {
      await client.say('RSET');
      assert.equal((await client.say('MAIL FROM:<ada@sender.example> SMTPUTF8')).code, 250);
      const answer = await client.say(`RCPT TO:<${quoted(trick)}@${domain}> NOTIFY=NEVER`);
      assert.ok(answer.code === 250 || (answer.code >= 500 && answer.code < 600), `${trick}: ${answer.text}`);
      if (answer.code !== 250) continue;
      await client.say('DATA');
      assert.equal((await client.say('Subject: x\r\n\r\nx\r\n.')).code, 250, trick);
      if (domain === 'pipe.example') wanted.push(trick.replaceAll('\t', ' '));
    }
  }
  assert.ok(wanted.length > 20, `too few were taken: ${wanted.length}`);
  await eventually(60_000, 'every message is through', async () => (await box.run(['mailq', '--json'])).stdout.trim().split('\n').filter(line => line.startsWith('{')).length === 0);
  const heard = existsSync(seen) ? readFileSync(seen, 'utf8').split('\n') : [];
  assert.equal(heard.filter(word => word === '--').length, wanted.length, 'one call for each');
  const words = heard.filter(word => word !== '' && word !== 'there' && word !== '--');
  for (const word of words) assert.match(word, /@pipe\.example$/, 'a recipient that fell apart');
  assert.equal(words.length, wanted.length);
  assert.ok(!existsSync(mark), 'something was run');
  const fresh = filesBelow(box.folder).filter(name => !before.has(name) && name !== 'seen');
  assert.deepEqual(fresh.filter(name => !name.startsWith('state/')), [], 'nothing outside the state folder');
  const mails = fresh.filter(name => /\/new\//.test(name));
  assert.ok(mails.length > 0, 'no mailbox took anything');
  for (const name of mails) assert.match(name, /^state\/mailboxes\/[^/]+(?:\/[^/]+)?\/(?:Maildir\/)?new\/[^/]+$/, name);
  assert.deepEqual(readdirSync('/').filter(name => name === 'escape'), []);
});
