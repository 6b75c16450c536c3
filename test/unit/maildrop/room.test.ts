import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { MaildropEnd, MaildropJob, MaildropRecipe } from '../../../src/core/maildrop.ts';
import type { MailboxMessage, Mailboxes } from '../../../src/core/mailbox.ts';
import { createMaildrop } from '../../../src/service/maildrop/index.ts';
import { createSystemClock } from '../../../src/kit/system-clock.ts';
import { createHandClock } from '../../props/hand-clock.ts';
import { scratchFolder } from '../../props/scratch-folder.ts';

interface Told {
  readonly end: MaildropEnd;
  readonly said: string;
  readonly complaints: readonly string[];
  readonly delivered: readonly { readonly path: string; readonly message: MailboxMessage; readonly text: string }[];
}

function box(limitMs?: number, clock = createSystemClock()) {
  const home = scratchFolder('maildrop');
  const delivered: { path: string; message: MailboxMessage; text: string }[] = [];
  const mailboxes: Mailboxes = {
    async deliver(path, message) {
      let text = Buffer.from(message.fields).toString('latin1');
      for await (const piece of message.content()) text += Buffer.from(piece).toString('latin1');
      if (path.includes('full')) return { kind: 'refused', why: 'quota', text: 'Maildir over quota.' };
      delivered.push({ path, message, text });
      return { kind: 'stored', octets: text.length };
    },
  };
  mkdirSync(join(home, 'my.rcs'));
  const maildrop = createMaildrop({ mailboxes, clock, systemRecipe: join(home, 'maildroprc'), trustedFolder: join(home, 'my.rcs'), sendmail: 'echo sendmail', ...(limitMs === undefined ? {} : { limitMs }) });
  return {
    home, maildrop,
    async run(recipe: string | MaildropRecipe, more: Partial<MaildropJob> = {}): Promise<Told> {
      let said = '';
      const complaints: string[] = [];
      delivered.length = 0;
      const end = await maildrop.run({
        recipe: typeof recipe === 'string' ? { kind: 'text', name: 'test', text: recipe, embedded: false } : recipe,
        home, defaultMailbox: './Maildir/', login: 'joe', environment: { SECRET: 'stranger', LANG: 'C' }, content: () => [Buffer.from('From: a@b\nTo: c@d\nSubject: hi\n\nbody\n')],
        output: octets => { said += Buffer.from(octets).toString('latin1'); }, complain: text => complaints.push(text), ...more,
      }, AbortSignal.timeout(30_000));
      return { end, said, complaints, delivered: [...delivered] };
    },
  };
}

const embedded = (text: string): MaildropRecipe => ({ kind: 'text', name: 'test', text, embedded: true });

test('mail no recipe places goes to the default mailbox, below home', async () => {
  const { run, home } = box();
  const told = await run('');
  assert.deepEqual(told.end, { code: 0, delivered: true });
  assert.deepEqual(told.delivered.map(({ path }) => path), [join(home, 'Maildir/')]);
  assert.equal((await run('DEFAULT="/elsewhere"')).delivered[0]?.path, '/elsewhere');
  assert.equal((await run('exit')).delivered.length, 0);
});

test('FLAGS, KEYWORDS, UMASK and the quota go with the message', async () => {
  const { run } = box();
  const { delivered } = await run('FLAGS="SxF"\nKEYWORDS="b, a,"\nUMASK=022\nMAILDIRQUOTA="5S"\nto "m"', { reversePath: 'x@y' });
  const { flags, keywords, mode, quota, reversePath } = delivered[0]!.message;
  assert.deepEqual({ flags, keywords, mode, quota, reversePath }, { flags: 'SF', keywords: ['b', 'a'], mode: 0o644, quota: '5S', reversePath: 'x@y' });
});

test('trouble is 75, and no mail is lost over it', async () => {
  const { run } = box();
  for (const recipe of ['to "full"', 'cc "full"\nto "m"', 'xfilter "exit 1"\nto "m"', 'include "nothing"', 'lookup("a", "nothing")', 'echo "', 'logfile "no/such/log"']) {
    const { end, complaints, delivered } = await run(recipe);
    assert.deepEqual(end, { code: 75, delivered: false }, recipe);
    assert.equal(complaints.length, 1, recipe);
    assert.equal(delivered.length, 0, recipe);
  }
  assert.deepEqual((await run('exception {\nto "full"\n}\nto "m"')).end, { code: 0, delivered: true });
});

test('embedded, a recipe looks and answers, and does nothing else', async () => {
  const { run } = box();
  assert.deepEqual(await run(embedded('if (/^Subject: hi/)\n{\necho "550 no"\nEXITCODE=1\n}')), { end: { code: 1, delivered: false }, said: '550 no\n', complaints: [], delivered: [] });
  for (const recipe of ['to "m"', 'cc "m"', 'system "true"', 'xfilter "cat"', 'log "x"', 'logfile "x"', 'dotlock "x" {\n}', 'flock "x" {\n}', 'echo `id`', 'gdbmopen("x","W")', 'gdbmopen("x","c")', 'exception {\n}\nto "m"']) {
    const { end, complaints } = await run(embedded(recipe));
    assert.equal(end.code, 75, recipe);
    assert.match(complaints.join(), /embedded mode/, recipe);
  }
  assert.equal((await run(embedded('gdbmopen("x")'))).end.code, 0);
  // Trapped or not, it is not done.
  assert.deepEqual((await run(embedded('exception {\nto "m"\n}'))).delivered, []);
});

test('what the operator wrote below the trusted folder may do more, with settings a stranger did not choose', async () => {
  const { run, home } = box();
  writeFileSync(join(home, 'my.rcs/check'), 'X=`echo "$SHELL $PATH"`\necho "$X"\ninclude "deeper"\n');
  writeFileSync(join(home, 'deeper'), 'system "echo deeper"\n');
  const { said, end } = await run(embedded(`SHELL="/bin/false"\nPATH="/tmp"\ninclude "${home}/my.rcs/check"\n`));
  assert.deepEqual([said, end.code], ['/bin/sh /usr/local/bin:/usr/bin:/bin\ndeeper\n', 0]);
  // A way around by dots is none, and behind the include the limits are back.
  writeFileSync(join(home, 'outside'), 'system "echo outside"\n');
  assert.equal((await run(embedded(`include "${home}/my.rcs/../outside"`))).end.code, 75);
  assert.equal((await run(embedded(`include "${home}/my.rcs/check"\nsystem "true"`))).end.code, 75);
});

test('named filters: the nearest -default, dots and slashes made harmless, none at all is no objection', async () => {
  const { run, home } = box();
  const named = (name: string): MaildropRecipe => ({ kind: 'named', name });
  assert.deepEqual((await run(named('rcptfilter'))).end, { code: 0, delivered: false, unasked: true });
  mkdirSync(join(home, '.mailfilters'), { mode: 0o700 });
  assert.deepEqual((await run(named('rcptfilter'))).end, { code: 0, delivered: false, unasked: true });
  for (const [file, said] of [['smtpfilter', 'exact'], ['smtpfilter-list-default', 'list'], ['smtpfilter-default', 'any'], ['default', 'last'], ['a:b', 'colon']] as const) writeFileSync(join(home, '.mailfilters', file), `echo "${said} $MAILFILTER"\n`, { mode: 0o600 });
  for (const [name, said] of [['smtpfilter', 'exact'], ['smtpfilter-list-a-b', 'list'], ['smtpfilter-x', 'any'], ['other', 'last'], ['a.b', 'colon'], ['../../x', 'last']] as const) assert.equal((await run(named(name))).said, `${said} ${name}\n`, name);
});

test('recipes that others could have written are not obeyed', async () => {
  const { run, home } = box();
  const file: MaildropRecipe = { kind: 'file', path: 'r', embedded: false };
  writeFileSync(join(home, 'r'), 'to "m"\n', { mode: 0o600 });
  assert.equal((await run(file)).end.code, 0);
  assert.equal((await run(file, { uid: 12345 })).end.code, 75);
  chmodSync(join(home, 'r'), 0o644);
  assert.match((await run(file)).complaints[0] ?? '', /mode must be 600/);
  symlinkSync('r', join(home, 'link'));
  assert.match((await run({ kind: 'file', path: 'link', embedded: false })).complaints[0] ?? '', /symbolic link/);
  const delivery: MaildropRecipe = { kind: 'delivery' };
  writeFileSync(join(home, '.mailfilter'), 'to "own"\n', { mode: 0o600 });
  assert.equal((await run(delivery)).delivered[0]?.path, join(home, 'own'));
  for (const [mode, why] of [[0o1700, /sticky/], [0o702, /write to the home/]] as const) {
    chmodSync(home, mode);
    const { end, complaints } = await run(delivery);
    assert.equal(end.code, 75);
    assert.match(complaints[0] ?? '', why);
  }
  chmodSync(home, 0o700);
  chmodSync(join(home, '.mailfilter'), 0o640);
  assert.equal((await run(delivery)).end.code, 75);
});

test('the operator\'s recipe comes first, and may end it', async () => {
  const { run, home } = box();
  writeFileSync(join(home, 'maildroprc'), 'DEFAULT="./system"\nif ($FROM eq "stop@x")\nexit\n');
  writeFileSync(join(home, '.mailfilter'), 'echo "own $DEFAULT"\n', { mode: 0o600 });
  const told = await run({ kind: 'delivery' }, { reversePath: 'a@b' });
  assert.deepEqual([told.said, told.delivered[0]?.path], ['own ./system\n', join(home, 'system')]);
  assert.deepEqual((await run({ kind: 'delivery' }, { reversePath: 'stop@x' })).delivered, []);
});

test('the environment of strangers becomes no variable unless it is asked for', async () => {
  const { run } = box();
  assert.equal((await run('echo "<$SECRET$LANG>"\nimport SECRET\necho "<$SECRET>"\nexit')).said, '<C>\n<stranger>\n');
  assert.equal((await run('echo "<$SECRET>"\nexit', { importAll: true })).said, '<stranger>\n');
  assert.equal((await run(embedded('echo "<$SECRET>"\nexit'), { importAll: true })).said, '<>\n');
});

test('no header and no address becomes part of a command', async () => {
  const { run, home } = box();
  const evil = '$(touch owned1); `touch owned2` | touch owned3 && touch owned4';
  const content = () => [Buffer.from(`Subject: ${evil}\n\nx\n`)];
  await run('/^Subject: (.*)/\nX=`echo "$MATCH1"`\nsystem "echo $MATCH1"\nto "|echo \\"$MATCH1\\" >/dev/null"', { content, environment: {} });
  // A recipe that pastes a header into its own command line is its author's; ours is what forwards do.
  const { said } = await run('SENDMAIL="echo sent"\nto "!a@b;touch${IFS}owned5 $(touch) c@d"', { content });
  assert.ok(!existsSync(join(home, 'owned5')));
  assert.equal(said, 'sent -f  a@b;touchowned5 $(touch) c@d\n');
  assert.equal((await run('to "!-oQ/tmp a@b"', { content })).end.code, 75);
  assert.ok(readdirSync(home).every(name => name !== 'owned5'));
});

test('a runaway recipe meets the watchdog, and others have their turn meanwhile', async () => {
  const { run } = box(300);
  let turns = 0;
  const ticking = setInterval(() => turns++, 10);
  for (const recipe of ['while (1)\n{\nX="$X"\n}', 'exception {\nwhile (1)\nX="a"\n}\nto "m"', 'system "exec sleep 20"', 'xfilter "exec sleep 20"', 'foreach /.*/\n{\nwhile (1)\n{\n}\n}']) {
    const { end, delivered } = await run(recipe);
    assert.deepEqual([end, delivered], [{ code: 75, delivered: false }, []], recipe);
  }
  clearInterval(ticking);
  assert.ok(turns > 5);
});

test('nothing grows without end', async () => {
  const { run } = box();
  assert.match((await run('X="0123456789"\nwhile (1)\n{\nX="$X$X"\n}')).complaints[0] ?? '', /X grew past/);
  assert.match((await run('N=0\nwhile (1)\n{\nN=$N + 1\n"V$N"="x"\n}')).complaints[0] ?? '', /variables/);
  const { home } = box();
  const again = box();
  writeFileSync(join(again.home, 'loop'), 'include "loop"\n');
  assert.match((await again.run('include "loop"')).complaints[0] ?? '', /include each other/);
  assert.ok(home !== again.home);
});

test('catastrophic patterns are answered, not suffered', async () => {
  const { run } = box();
  const content = () => [Buffer.from(`Subject: ${'a'.repeat(30_000)}!\n\n${`${'a'.repeat(990)}!\n`.repeat(20)}`)];
  const { said, end } = await run('if (/^Subject: (a+)+$/ || /(a|aa)+$/:b || /(.*a){12}$/:b)\necho found\nelse\necho none\nexit', { content });
  assert.deepEqual([said, end.code], ['none\n', 0]);
  const costly = await run('if ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!" =~ /((a*)*)*\\1b/)\necho found\nelse\necho none\nexit');
  assert.equal(costly.said, 'none\n');
});

test('a large message lies in a file, and is searched, filtered and delivered all the same', async () => {
  const { run, home } = box();
  const lines = 'x'.repeat(99) + '\n';
  const content = function* (): Generator<Uint8Array> {
    yield Buffer.from('Subject: large\r\nMime-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n');
    for (let n = 0; n < 60; n++) yield Buffer.from(lines.repeat(1000));
    yield Buffer.from('needle in it\r\n--b\r\nX-Last: part\r\n\r\nend');
  };
  const { said, delivered } = await run('if (/^needle/:b)\necho body\nif (/^X-Last/)\necho part\nif (/^needle/:b)\necho again\necho "$LINES"\ncc "m"\nxfilter "tail -c 8"\nto "|cat > out"', { content });
  assert.equal(said, 'body\npart\nagain\n60010\n');
  assert.equal(delivered[0]!.text.length, 6_000_000 + 'Subject: large\nMime-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nneedle in it\n--b\nX-Last: part\n\nend\n'.length);
  assert.equal(readFileSync(join(home, 'out'), 'latin1'), 'rt\n\nend\n');
});

test('maps keep what was stored, for the next message too', async () => {
  const { run, home } = box();
  await run('L=getaddr("a@b,c@d")\ngdbmopen("map","C")\ngdbmstore("#c\\\\d\te","1")\ngdbmstore($L,$L)\nexit');
  assert.equal((await run('L=getaddr("a@b,c@d")\ngdbmopen("map")\necho gdbmfetch("#c\\\\d\te")\necho gdbmfetch($L)\necho gdbmfetch("x","","none")\nexit')).said, '1\na@b\nc@d\n\nnone\n');
  await run('gdbmopen("map","W")\ngdbmstore("k","new")\ngdbmopen("map","N")\nexit');
  assert.equal((await run('gdbmopen("map")\necho "<" + gdbmfetch("k")\nexit')).said, '0\n');
  writeFileSync(join(home, 'made'), '# comment\nalone\nkey\tvalue\n');
  assert.equal((await run('gdbmopen("made")\necho gdbmfetch("alone")\necho gdbmfetch("key")\nexit')).said, '1\nvalue\n');
  writeFileSync(join(home, 'binary'), Buffer.from([0xcf, 0x9a, 0x57, 0x13, 0]));
  assert.equal((await run('echo gdbmopen("binary","C")\nexit')).said, '-1\n');
});

test('time is the clock\'s', async () => {
  const { run } = box(undefined, createHandClock(1_700_000_000_000));
  assert.equal((await run('echo time\nexit')).said, '1700000000\n');
});

test('VERBOSE tells what happens, and where a bad pattern stands', async () => {
  const { run } = box();
  const { complaints } = await run('VERBOSE=5\nA="x"\nif ($A eq "x")\nto "m"');
  assert.deepEqual(complaints, ['test(2): A="x"', 'test(3): if evaluated, result=1', 'Delivering to m']);
  assert.match((await run('if (/(/)\necho x\nexit')).complaints[0] ?? '', /^test:1:5: \/\(\/ is no pattern: this \( has no \)/);
});
