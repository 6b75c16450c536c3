import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { test } from 'node:test';
import { silent } from '../../../src/core/log.ts';
import { runCommandLine } from '../../../src/front/cli/index.ts';
import { decodeFolderName, encodeFolderName } from '../../../src/grammar/local/folder-name.ts';
import { openTransferEncoder } from '../../../src/grammar/mime/transfer-lines.ts';
import { createSystemClock } from '../../../src/kit/system-clock.ts';
import { createMailboxes } from '../../../src/service/mailbox/index.ts';
import { createMaildrop } from '../../../src/service/maildrop/index.ts';
import fc from '../../props/fast-check.ts';
import { scratchFolder } from '../../props/scratch-folder.ts';

const clock = createSystemClock();
const mailboxes = createMailboxes({ clock, log: silent, host: hostname() });

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function posthorn(args: readonly string[], input = '', environment: Record<string, string> = {}): Promise<Said> {
  const [out, err] = [new PassThrough(), new PassThrough()];
  const [outText, errText] = [collect(out), collect(err)];
  const nobody = () => Promise.reject(new Error('not asked for in this test'));
  const code = await runCommandLine(args, {
    stdin: Readable.from(input === '' ? [] : [Buffer.from(input, 'latin1')], { objectMode: false }), stdout: out, stderr: err, environment, version: '0',
    rooms: {
      start: nobody, running: nobody, offline: nobody, lookUpMx: nobody, lookUpTxt: nobody, oauth: nobody, attempts: nobody, faxProof: nobody, faxDesk: nobody, uucp: nobody, addresses: nobody, deputy: nobody,
      maildrop: folder => Promise.resolve({ mailboxes, maildrop: createMaildrop({ mailboxes, clock, systemRecipe: join(folder, 'maildroprc'), trustedFolder: join(folder, 'maildroprcs'), sendmail: '/bin/false' }) }),
    },
  });
  out.end();
  err.end();
  return { code, out: await outText, err: await errText };
}

async function collect(stream: PassThrough): Promise<string> {
  let text = '';
  for await (const chunk of stream as AsyncIterable<Buffer>) text += chunk.toString('latin1');
  return text;
}

const letter = 'Received: one\nReceived: two\n\tfolded  more\nSubject: Hi\nTo: a@b,\n c@d\nX-E:\nsubject: second\n\nbody\n\nFrom x\n';

test('reformail changes what it is told and nothing else', async () => {
  const head = (text: string): string => text.slice(0, text.indexOf('\n\n') + 1);
  const rows: readonly (readonly [readonly string[], string])[] = [
    [[], head(letter)],
    [['-a', 'Subject: new', '-aX-N: v'], `${head(letter)}X-N: v\n`],
    [['-A', 'Subject: new'], `${head(letter)}Subject: new\n`],
    [['-i', 'Subject: new'], head(letter).replace('Subject: Hi', 'Old-Subject: Hi').replace('subject: second', 'Old-subject: second') + 'Subject: new\n'],
    [['-I', 'Subject: new'], head(letter).replace('Subject: Hi\n', '').replace('subject: second\n', '') + 'Subject: new\n'],
    [['-IReceived:'], head(letter).replace(/^Received: one\nReceived: two\n\tfolded {2}more\n/, '')],
    [['-R', 'received:', 'X-R:', '-R', 'x-e:', 'X-F:'], head(letter).replaceAll('Received:', 'X-R:').replace('X-E:', 'X-F:')],
    [['-u', 'Received:'], head(letter).replace('Received: two\n\tfolded  more\n', '')],
    [['-U', 'Received:'], head(letter).replace('Received: one\n', '')],
    [['-c'], head(letter).replaceAll(/\n[ \t]/g, ' ')],
  ];
  for (const [args, header] of rows) assert.deepEqual(await posthorn(['reformail', ...args], letter), { code: 0, out: `${header}\nbody\n\nFrom x\n`, err: '' }, args.join(' '));
  assert.equal((await posthorn(['reformail', '-d1'], letter)).out, letter.replaceAll('\n', '\r\n'));
  assert.equal((await posthorn(['reformail'], letter.replaceAll('\n', '\r\n'))).out, letter);
  assert.match((await posthorn(['reformail', '-a', 'Message-ID:'], letter)).out, /\nMessage-ID: <[0-9a-f]+\.reformail@\S+>\n\n/);
  assert.equal((await posthorn(['reformail', '-x', 'To:', '-X', 'x-e:'], letter)).out, 'a@b, c@d\nX-E:\n');
  for (const args of [['-R', 'a:'], ['-a', 'no colon'], ['-f2'], ['word'], ['-z']]) assert.equal((await posthorn(['reformail', ...args], letter)).code, 64, args.join(' '));
});

test('reformail and mbox: From_ lines taken off, put on, and mail split at them', async () => {
  assert.equal((await posthorn(['reformail', '-f0'], '\n\nFrom joe@x Sat\nReturn-Path: <old>\nSubject: x\n\nb\n')).out, 'Subject: x\nReturn-Path: <joe@x>\n\nb\n');
  assert.match((await posthorn(['reformail', '-f1'], 'From: "X" <q@r>\n\nFrom y\n')).out, /^From q@r \w{3} .*\nFrom: "X" <q@r>\n\n>From y\n$/);
  const folder = scratchFolder('split');
  const { code } = await posthorn(['reformail', '-s', 'sh', '-c', `cat > ${folder}/$FILENO`], 'From a Sat\nSubject: 1\n\nb1\n>From q\nFrom within\n\nFrom b Sun\nSubject: 2\n\nb2\n\n', { FILENO: '008', PATH: '/usr/bin:/bin' });
  assert.equal(code, 0);
  assert.deepEqual(readdirSync(folder), ['008', '009']);
  assert.equal(readFileSync(join(folder, '008'), 'utf8'), 'From a Sat\nSubject: 1\n\nb1\n>From q\nFrom within\n');
});

test('reformail -D knows a message again, in a file that does not grow', async () => {
  const file = join(scratchFolder('seen'), 'cache');
  const ask = async (id: string): Promise<number> => (await posthorn(['reformail', '-D', '60', file], `Message-ID: <${id}>\n\nx\n`)).code;
  assert.deepEqual([await ask('one'), await ask('one'), await ask('two'), await ask('one')], [1, 0, 1, 0]);
  for (let n = 0; n < 10; n++) await ask(`number${n}`);
  assert.ok(readFileSync(file).length <= 60);
  assert.deepEqual([await ask('number9'), await ask('one')], [0, 1]);
  assert.equal((await posthorn(['reformail', '-D', '60', file], 'Subject: without\n\nx\n')).code, 1);
});

test('makemime builds sections and collections within each other', async () => {
  const folder = scratchFolder('mime');
  writeFileSync(join(folder, 'text'), 'gr\u00fc\u00df\n');
  writeFileSync(join(folder, 'bin'), Buffer.from([0, 1, 255]));
  writeFileSync(join(folder, 'long'), `${'x'.repeat(2000)}\n`);
  const at = (name: string): string => join(folder, name);
  assert.equal((await posthorn(['makemime', '-c', 'auto', at('text')])).out, 'Content-Type: text/plain\nContent-Transfer-Encoding: 8bit\n\ngr\u00c3\u00bc\u00c3\u009f\n');
  assert.equal((await posthorn(['makemime', '-c', 'auto', at('bin')])).out, 'Content-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\nAAH/\n');
  assert.match((await posthorn(['makemime', '-c', 'auto', at('long')])).out, /quoted-printable\n\n(?:x{75}=\n)+x+\n$/);
  assert.match((await posthorn(['makemime', '-c', 'text/plain', '-C', 'utf-8', '-N', 'gr\u00fc\u00df".txt', '-e', 'quoted-printable', at('text')])).out, /^Content-Type: text\/plain; charset="utf-8"; name\*=utf-8''gr%C3%BC%C3%9F%22\.txt\n.*\n\ngr=C3=BC=C3=9F\n$/);
  writeFileSync(at('order'), `# an order\n-j\n(\n  -m\n   multipart/mixed\n  -a\n   Mime-Version: 1.0\n  (\n   -c\n   text/plain\n   ${at('text')}\n  )\n)\n(\n-c\nauto\n${at('bin')}\n)\n`);
  const { out, code } = await posthorn(['makemime', `@${at('order')}`]);
  assert.equal(code, 0);
  const boundary = /boundary="([^"]+)"/.exec(out)?.[1] ?? '';
  assert.equal(out.split(`--${boundary}`).length, 4);
  assert.match(out, /^Mime-Version: 1\.0\nContent-Type: multipart\/mixed; /);
  assert.ok(out.endsWith(`AAH/\n\n--${boundary}--\n`));
  assert.equal((await posthorn(['makemime', '-c', 'text/plain', '-o', at('result'), '-'], 'typed\n')).code, 0);
  assert.match(readFileSync(at('result'), 'utf8'), /7bit\n\ntyped\n$/);
  for (const [args, exit] of [[['-c', 'multipart/mixed', at('text')], 64], [['-m', 'text/plain', at('text')], 64], [['-m', 'multipart/mixed', '-e', 'base64', at('text')], 64], [['-c', 'text/plain', at('missing')], 66], [['-j', at('text'), at('text')], 64], [['-c', 'text/plain', '-a', 'X: y\nBcc: z', at('text')], 64], [[], 64], [['-j', '(', '-c', 'text/plain', at('text')], 64]] as const) assert.equal((await posthorn(['makemime', ...args])).code, exit, args.join(' '));
});

test('transfer encodings carry any octets, however they come', () => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }), chunks => {
    const octets = Buffer.concat(chunks);
    const encode = (name: 'base64' | 'quoted-printable'): string => {
      const encoder = openTransferEncoder(name);
      return Buffer.concat([...chunks.map(chunk => encoder.feed(Buffer.from(chunk))), encoder.finish()]).toString('latin1');
    };
    const base64 = encode('base64');
    assert.deepEqual(Buffer.from(base64, 'base64'), octets);
    const quoted = encode('quoted-printable');
    assert.ok([...base64.split('\n'), ...quoted.split('\n')].every(line => line.length <= 76));
    assert.equal(quoted.replaceAll('=\n', '').replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))), octets.toString('latin1'));
  }));
});

test('mailbot answers people, once', async () => {
  const folder = scratchFolder('bot');
  const text = join(folder, 'away');
  writeFileSync(text, 'I am away.\n');
  const mail = 'From: =?utf-8?q?J=C3=B6rg?= <joe@x.example>\nTo: me@y.example\nCc: list@y.example\nSubject: Hello\nMessage-ID: <1@x>\nReferences: <0@x>\nDate: Sat, 21 Nov 2026 09:00:00 +0000\n\nline\n> older\n';
  const bot = async (args: readonly string[], input = mail, environment = {}): Promise<string> => (await posthorn(['mailbot', '-t', text, ...args, 'cat'], input, environment)).out;
  const plain = await bot(['-A', 'From: me@y.example']);
  assert.match(plain, /^From: me@y\.example\nPrecedence: junk\nAuto-Submitted: auto-replied\nTo: .*<joe@x\.example>\nIn-Reply-To: <1@x>\nReferences: <0@x>\n <1@x>\nSubject: Re: Hello\n/);
  assert.match(plain, /\n\nJ\u00c3\u00b6rg writes:\n\n> line\n>> older\n\nI am away\.\n$/);
  assert.match(await bot(['-N', '-s', 'Away\nBcc: z@z']), /\nSubject: Away Bcc: z@z\n(?:.*\n)+\nI am away\.\n$/);
  assert.match(await bot(['-N', '-T', 'replyall']), /\nCc: me@y\.example, list@y\.example\n/);
  assert.match(await bot(['-N', '-fother@z']), /\nTo: other@z\n/);
  assert.match(await bot(['-N', '-f'], mail, { SENDER: 'env@z' }), /\nTo: env@z\n/);
  assert.equal(await bot(['-N', '-f'], mail, { SENDER: '' }), '');
  assert.match(await bot(['-S', '%f on %{%Y-%m-%d}d, %S, 100%%%n:']), /\njoe@x\.example on 2026-11-21, Hello, 100%\n:\n/);
  assert.match(await bot(['-T', 'forwardatt']), /Content-Type: message\/rfc822\n(?:.*\n)*\nFrom: =\?utf-8/);
  assert.match(await bot(['-N', '-M', 'me@y.example']), /report-type=delivery-status(?:.*\n)+Final-Recipient: rfc822; me@y\.example\nAction: delivered\nStatus: 2\.0\.0\n/);
  assert.match(await bot(['-N', '-T', 'replyfeedback', '-R', 'virus', '--feedback-source-ip', '192.0.2.1']), /Feedback-Type: virus\n(?:.*\n)*Source-IP: 192\.0\.2\.1\n/);
  assert.equal(await bot(['-r', 'nobody@y.example']), '');
  assert.notEqual(await bot(['-r', 'x@z,LIST@y.example']), '');
  for (const field of ['Precedence: bulk', 'Precedence: list', 'Auto-Submitted: auto-generated', 'List-ID: <x>', 'Content-Type: multipart/report; boundary=x']) assert.equal(await bot([], `${field}\n${mail}`), '', field);
  assert.notEqual(await bot([], `Auto-Submitted: no\n${mail}`), '');
  assert.equal(await bot([], 'Subject: from nobody\n\nx\n'), '');
  const memory = join(folder, 'db');
  assert.notEqual(await bot(['-d', memory]), '');
  assert.equal(await bot(['-d', memory]), '');
  assert.notEqual(await bot(['-d', memory, '-D', '0']), '');
  mkdirSync(join(folder, 'draft/new'), { recursive: true });
  writeFileSync(join(folder, 'draft/new/1'), 'Subject: x\nContent-Type: text/plain; charset=iso-8859-1\n\nfrom a draft\n');
  assert.match((await posthorn(['mailbot', '-T', 'replydraft', '-l', join(folder, 'draft'), '-n'], mail)).out, /charset=iso-8859-1\n(?:.*\n)*\nfrom a draft\n$/);
  assert.equal((await posthorn(['mailbot', '-t', join(folder, 'missing'), 'cat'], mail)).code, 66);
  assert.equal((await posthorn(['mailbot', '-t', text, 'sh', '-c', 'cat >/dev/null; exit 9'], mail)).code, 9);
  for (const args of [['-T', 'song'], ['-T', 'feedback'], ['-T', 'replydsn'], ['-l', folder], ['-A', 'none'], ['-D', 'x']]) assert.equal((await posthorn(['mailbot', ...args], mail)).code, 64, args.join(' '));
});

test('Maildirs are made, filled to their quota, and warned about', async () => {
  const folder = scratchFolder('quota');
  const maildir = join(folder, 'M');
  const list = (path: string): string[] => readdirSync(join(maildir, path));
  assert.equal((await posthorn(['maildirmake', maildir])).code, 0);
  assert.equal((await posthorn(['maildirmake', maildir])).code, 1);
  assert.equal((await posthorn(['maildirmake', '-f', 'Drafts.2026', maildir])).code, 0);
  assert.equal((await posthorn(['maildirmake', '-F', '\u00dcber', maildir])).code, 0);
  for (const bad of ['../x', 'a/b', '', '.x', 'a..b']) assert.equal((await posthorn(['maildirmake', '-f', bad, maildir])).code, 64, bad);
  assert.deepEqual(list('.').filter(name => name.startsWith('.')), ['.&ANw-ber', '.Drafts.2026']);
  assert.ok(existsSync(join(maildir, '.Drafts.2026/maildirfolder')));
  assert.equal((await posthorn(['deliverquota', maildir, '200S'], letter)).code, 0);
  assert.equal((await posthorn(['deliverquota', join(maildir, '.Drafts.2026')], letter)).code, 77);
  assert.equal((await posthorn(['maildirmake', '-q', '1000S,10C', maildir])).code, 0);
  assert.match(readFileSync(join(maildir, 'maildirsize'), 'utf8'), /^1000S,10C\n\d+ 1 *\n$/);
  assert.equal((await posthorn(['deliverquota', join(maildir, '.Drafts.2026')], letter)).code, 0);
  assert.equal(list('.Drafts.2026/new').length, 1);
  writeFileSync(join(folder, 'warning'), 'Subject: nearly full\n\nx\n');
  for (let n = 0; n < 2; n++) assert.equal((await posthorn(['deliverquota', '-w', '10', '-W', join(folder, 'warning'), maildir], letter)).code, 0);
  assert.equal(list('new').filter(name => readFileSync(join(maildir, 'new', name), 'utf8').includes('nearly full')).length, 1);
  assert.equal((await posthorn(['deliverquota', join(folder, 'none')], letter)).code, 75);
  assert.equal((await posthorn(['deliverquota', '-c', join(folder, 'none')], letter)).code, 0);
  assert.equal((await posthorn(['maildirmake', '--add', 'team=/srv/team', maildir])).code, 0);
  assert.equal((await posthorn(['maildirmake', '--add', 'bad=relative', maildir])).code, 64);
  assert.equal(readFileSync(join(maildir, 'shared-maildirs'), 'utf8'), 'team\t/srv/team\n');
  assert.equal((await posthorn(['maildirmake', '--convutf8', maildir])).code, 0);
  assert.ok(existsSync(join(maildir, '.\u00dcber')));
});

test('folder names go to modified UTF-7 and back', () => {
  assert.equal(encodeFolderName('Entw\u00fcrfe & Co \u53f0'), 'Entw&APw-rfe &- Co &U,A-');
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), name => assert.equal(decodeFolderName(encodeFolderName(name)), name)));
  for (const bad of ['&', '&x', '&AA-', '\u00fc', '&!-']) assert.equal(decodeFolderName(bad), null, bad);
});

test('dotlock holds the lock while its program runs, and says so when it cannot', async () => {
  const file = join(scratchFolder('lock'), 'box');
  writeFileSync(file, '');
  assert.equal((await posthorn(['dotlock', file, 'sh', '-c', `test -e ${file}.lock && exit 4`])).code, 4);
  assert.ok(!existsSync(`${file}.lock`));
  writeFileSync(`${file}.lock`, '');
  assert.equal((await posthorn(['lockmail', '-t', '0', file, 'true'])).code, 75);
  assert.equal((await posthorn(['dotlock', file])).code, 64);
});

test('maildrop as a command: modes, options, exit codes', async () => {
  const folder = scratchFolder('command');
  const recipe = join(folder, 'r');
  writeFileSync(recipe, 'echo "$1 $2 $FROM"\nif (/^X-A: (.*)/)\necho $MATCH1\nEXITCODE=5\nexit\n', { mode: 0o600 });
  assert.deepEqual(await posthorn(['maildrop', '-f', 'me@x', '-A', 'X-A: added', recipe, 'one', '-two'], letter), { code: 5, out: 'one -two me@x\nadded\n', err: '' });
  assert.equal((await posthorn(['maildrop', '-m', recipe], letter)).code, 5);
  writeFileSync(join(folder, 'to'), `to "${folder}/box"\n`, { mode: 0o600 });
  assert.equal((await posthorn(['maildrop', join(folder, 'to')], letter)).code, 0);
  assert.match(readFileSync(join(folder, 'box'), 'utf8'), /^From MAILER-DAEMON .*\nReceived: one\n/);
  const embedded = await posthorn(['maildrop', '-m', join(folder, 'to')], letter);
  assert.deepEqual([embedded.code, /embedded mode/.test(embedded.err)], [75, true]);
  assert.equal((await posthorn(['maildrop', '-d', 'nobody-of-this-name'], letter)).code, 67);
  assert.match((await posthorn(['maildrop', '-V', '9', recipe], letter)).err, /if evaluated/);
  assert.match((await posthorn(['maildrop', '-v'])).out, /^posthorn maildrop 0/);
  for (const args of [['-m'], ['-D', 'x'], ['-w', '0', recipe], ['-t', 's', recipe], ['-z']]) assert.equal((await posthorn(['maildrop', ...args], letter)).code, 64, args.join(' '));
  writeFileSync(join(folder, 'wrong'), 'if (1) echo x\n', { mode: 0o600 });
  const wrong = await posthorn(['maildrop', join(folder, 'wrong')], letter);
  assert.equal(wrong.code, 75);
  assert.match(wrong.err, /wrong:1:8: \) ends its line/);
});
