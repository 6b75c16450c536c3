/** Dovecot and mutt read what we wrote, and change it; we go on from there. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { MailboxMessage } from '../../src/core/mailbox.ts';
import { silent } from '../../src/core/log.ts';
import { createSystemClock } from '../../src/kit/system-clock.ts';
import { createMailboxes } from '../../src/service/mailbox/index.ts';
import { readCorpus } from '../props/corpus.ts';
import { FIELDS } from '../props/mailbox-desk.ts';
import { scratchFor } from '../props/scratch.ts';

const IMAP = '/usr/lib/dovecot/imap';
/** Dovecot will not read mail as root. */
const READER = 61_004;
const dovecotAbsent = (!existsSync(IMAP) && 'dovecot (dovecot-imapd) is not here') || (process.getuid?.() !== 0 && 'dovecot needs a user to become, and this is not root') || false;
const muttAbsent = (spawnSync('mutt', ['-v']).status !== 0 || spawnSync('script', ['--version']).status !== 0) && 'mutt is not here';

const never = new AbortController().signal;
const mailboxes = createMailboxes({ host: 'gate.example', clock: createSystemClock(), log: silent });
const letters = readCorpus().map(({ content }) => content);

function message(content: Buffer, own: Partial<MailboxMessage> = {}): MailboxMessage {
  return { fields: Buffer.from(FIELDS), reversePath: 'bob@there.example', content: () => [content], ...own };
}
function asFiled(content: Buffer): string {
  return `${FIELDS}${content.toString('latin1').replaceAll('\r\n', '\n')}`;
}

async function deliverAll(t: TestContext): Promise<{ readonly folder: string; readonly maildir: string; readonly mbox: string }> {
  const folder = scratchFor(t, 'mailboxes');
  chmodSync(folder, 0o755);
  const maildir = join(folder, 'Maildir');
  const mbox = join(folder, 'mbox');
  mkdirSync(maildir);
  for (const name of ['tmp', 'new', 'cur', '.Work', '.Work/tmp', '.Work/new', '.Work/cur']) mkdirSync(join(maildir, name));
  writeFileSync(join(maildir, '.Work/maildirfolder'), '');
  for (const content of letters) {
    assert.equal((await mailboxes.deliver(maildir, message(content, { quota: '100000000S,1000C' }), never)).kind, 'stored');
    assert.equal((await mailboxes.deliver(mbox, message(content), never)).kind, 'stored');
  }
  assert.equal((await mailboxes.deliver(maildir, message(Buffer.from('Subject: work\r\n\r\nFrom here\r\n'), { folder: '.Work' }), never)).kind, 'stored');
  return { folder, maildir, mbox };
}

const QUOTA = 'mail_plugins = quota\nprotocol imap {\n  mail_plugins = quota imap_quota\n}\nplugin {\n  quota = maildir:User quota\n}\n';

/** Speaks IMAP with Dovecot, already logged in. Everything it says, in latin1. */
function imap(folder: string, location: string, commands: readonly string[]): string {
  const config = join(folder, 'dovecot.conf');
  writeFileSync(config, `base_dir = ${folder}/run\nmail_location = ${location}\nprotocols = imap\nssl = no\nlog_path = /dev/stderr\n${location.startsWith('maildir') ? QUOTA : ''}`);
  mkdirSync(join(folder, 'run'), { recursive: true });
  own(folder, READER);
  const ran = spawnSync('setpriv', [`--reuid=${READER}`, `--regid=${READER}`, '--clear-groups', IMAP, '-c', config], {
    input: [...commands, 'LOGOUT'].map((command, n) => `a${n} ${command}\r\n`).join(''), encoding: 'latin1', timeout: 30_000, maxBuffer: 100_000_000,
    env: { PATH: process.env['PATH'], USER: 'ann', HOME: folder },
  });
  own(folder, 0);
  assert.doesNotMatch(ran.stderr, /Error|Warning|Panic/, ran.stderr);
  for (const n of commands.keys()) assert.match(ran.stdout, new RegExp(`^a${n} OK`, 'm'), ran.stdout.slice(-2000));
  return ran.stdout;
}

function own(path: string, uid: number): void {
  chownSync(path, uid, uid);
  if (statSync(path).isDirectory()) for (const name of readdirSync(path)) own(join(path, name), uid);
}

/** The literals of an answer: message texts. */
function literals(said: string): string[] {
  const found: string[] = [];
  for (let at = said.search(/\{\d+\}\r\n/); at >= 0; ) {
    const [whole = '', octets = '0'] = /\{(\d+)\}\r\n/.exec(said.slice(at)) ?? [];
    const start = at + whole.length;
    found.push(said.slice(start, start + Number(octets)));
    const next = said.slice(start + Number(octets)).search(/\{\d+\}\r\n/);
    at = next < 0 ? -1 : start + Number(octets) + next;
  }
  return found;
}

test('Dovecot reads our Maildirs: every octet, sizes, folders, quota; its flags and deletions are counted by us', { skip: dovecotAbsent, timeout: 60_000 }, async t => {
  const { folder, maildir } = await deliverAll(t);
  const octets = letters.map(content => asFiled(content).length);
  const said = imap(folder, `maildir:${maildir}`, ['GETQUOTAROOT INBOX', 'SELECT INBOX', 'FETCH 1:* (RFC822.SIZE BODY.PEEK[])', 'LIST "" *', 'STATUS Work (MESSAGES UNSEEN)', 'STORE 1 +FLAGS (\\Deleted)', 'STORE 2 +FLAGS (\\Seen \\Flagged)']);
  // Dovecot ends a session that finds another size than the name promised.
  const read = literals(said).map(text => text.replaceAll('\r\n', '\n')).toSorted();
  assert.deepEqual(read, letters.map(asFiled).toSorted());
  assert.match(said, /\* LIST \(.*\) "\." Work/);
  assert.match(said, /\* STATUS Work \(MESSAGES 1 UNSEEN 1\)/);
  const work = asFiled(Buffer.from('Subject: work\n\nFrom here\n')).length;
  const total = octets.reduce((sum, one) => sum + one, work);
  const [, stored = '', messages = ''] = /QUOTA "User quota" \(STORAGE (\d+) \d+ MESSAGE (\d+) 1000\)/.exec(said) ?? [];
  assert.deepEqual([Number(stored), Number(messages)], [Math.ceil(total / 1024), letters.length + 1]);

  // The message marked deleted no longer counts: exactly its room is there again.
  const names = readdirSync(join(maildir, 'cur'));
  const deleted = names.find(name => /:2,.*T/.test(name)) ?? '';
  assert.ok(names.some(name => name.endsWith(':2,FS')));
  const freed = Number(/,S=(\d+)/.exec(deleted)?.[1]);
  const quota = `${total}S`;
  assert.equal((await mailboxes.deliver(maildir, message(Buffer.alloc(freed - FIELDS.length + 1, 'x'), { quota }), never)).kind, 'refused');
  assert.equal((await mailboxes.deliver(maildir, message(Buffer.alloc(freed - FIELDS.length, 'x'), { quota }), never)).kind, 'stored');
  // Dovecot goes on with our count, and we with Dovecot's.
  imap(folder, `maildir:${maildir}`, ['SELECT INBOX', 'STORE 3 +FLAGS (\\Deleted)', 'EXPUNGE']);
  assert.equal((await mailboxes.deliver(maildir, message(Buffer.from('x')), never)).kind, 'stored');
});

test('Dovecot reads our mbox files, and we append to what it changed', { skip: dovecotAbsent, timeout: 60_000 }, async t => {
  const { folder, mbox } = await deliverAll(t);
  const location = `mbox:${folder}/mail:INBOX=${mbox}`;
  mkdirSync(join(folder, 'mail'));
  const said = imap(folder, location, ['SELECT INBOX', 'FETCH 1:* (BODY.PEEK[])', 'STORE 1 +FLAGS (\\Seen)']);
  const read = literals(said).map(text => text.replaceAll('\r\n', '\n').replaceAll(/^>(>*From )/gm, '$1'));
  assert.deepEqual(read, letters.map(content => asFiled(content).replace(/([^\n])$/, '$1\n')));
  assert.equal((await mailboxes.deliver(mbox, message(Buffer.from('Subject: last\r\n\r\nFrom here\r\n')), never)).kind, 'stored');
  assert.match(imap(folder, location, ['SELECT INBOX', 'SEARCH SUBJECT last', 'SEARCH SEEN']), new RegExp(`\\* ${letters.length + 1} EXISTS[^]*\\* SEARCH ${letters.length + 1}\\r\\n[^]*\\* SEARCH 1\\r\\n`));
});

test('mutt reads both, and its flags stay with our names', { skip: muttAbsent, timeout: 60_000 }, async t => {
  const { folder, maildir, mbox } = await deliverAll(t);
  const out = join(folder, 'out');
  writeFileSync(join(folder, 'muttrc'), `set folder=${folder} quit=yes delete=no move=no wait_key=no pipe_decode=no\n`);
  for (const path of [maildir, mbox]) {
    writeFileSync(out, '');
    const keys = `<tag-pattern>~A<enter><tag-prefix><pipe-message>cat >> ${out}<enter><tag-prefix><set-flag>!<sync-mailbox><exit>`;
    // Its input stays open: the end of it would be a key to mutt.
    const ran = spawn('script', ['-qec', `mutt -n -F ${join(folder, 'muttrc')} -f ${path} -e 'push "${keys}"'`, '/dev/null'], { timeout: 30_000, env: { PATH: process.env['PATH'], HOME: folder, TERM: 'xterm' }, stdio: ['pipe', 'ignore', 'ignore'] });
    assert.equal(await new Promise(resolve => ran.once('close', resolve)), 0);
    const heard = readFileSync(out, 'latin1');
    assert.equal(heard.match(/^Delivered-To: ann@gate\.example$/gm)?.length, letters.length, path);
    for (const content of letters) assert.ok(heard.includes(content.toString('latin1').replaceAll('\r\n', '\n').split('\n\n')[1]?.split('\n')[0] ?? ''));
  }
  const names = [...readdirSync(join(maildir, 'cur')), ...readdirSync(join(maildir, 'new'))];
  assert.equal(names.length, letters.length);
  assert.ok(names.every(name => /,S=\d+:2,.*F/.test(name)), names[0]);
  assert.equal((await mailboxes.deliver(mbox, message(Buffer.from('Subject: last\r\n\r\nx\r\n')), never)).kind, 'stored');
  assert.equal(readFileSync(mbox, 'latin1').match(/^From /gm)?.length, letters.length + 1);
});
