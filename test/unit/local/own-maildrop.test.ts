import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Address } from '../../../src/core/envelope.ts';
import { silent } from '../../../src/core/log.ts';
import { createHands, type Done } from '../../../src/flow/transport/local/index.ts';
import { createSystemClock } from '../../../src/kit/system-clock.ts';
import { createMailboxes } from '../../../src/service/mailbox/index.ts';
import { createMaildrop } from '../../../src/service/maildrop/index.ts';
import { scratchFolder } from '../../props/scratch-folder.ts';

const clock = createSystemClock();

function account(limitMs = 30_000) {
  const home = scratchFolder('recipes');
  const mailboxes = createMailboxes({ clock, log: silent, host: 'here' });
  const maildrop = createMaildrop({ mailboxes, clock, systemRecipe: join(home, 'none'), trustedFolder: join(home, 'rcs'), sendmail: '/bin/false' });
  const hands = createHands({ mailboxes, maildrop, clock, log: silent, settings: () => ({ dotExtension: 'courier', delivery: '| maildrop', dynamic: true, limitMs, path: '/usr/bin:/bin', shell: '/bin/sh' }) });
  const content = Buffer.from('Subject: hi\r\n\r\nbody\r\n');
  return {
    home,
    recipe: (text: string) => writeFileSync(join(home, '.mailfilter'), text, { mode: 0o600 }),
    dotFile: (text: string) => writeFileSync(join(home, '.courier'), text, { mode: 0o600 }),
    deliver: (): Promise<Done> => hands.deliver({ recipient: 'joe@here' as Address, sender: 'a@b', login: 'joe', home, ours: false, folder: join(home, 'Maildir'), extension: '' }, { sizeOctets: content.length, read: () => [content] }, AbortSignal.timeout(30_000)),
  };
}

test('| maildrop as default delivery: without a recipe into the Maildir, which is made', async () => {
  const { home, deliver } = account();
  assert.equal((await deliver()).outcome.kind, 'delivered');
  const [name = ''] = readdirSync(join(home, 'Maildir/new'));
  assert.equal(readFileSync(join(home, 'Maildir/new', name), 'utf8'), 'Delivered-To: joe@here\nReturn-Path: <a@b>\nSubject: hi\n\nbody\n');
});

test('the owner\'s recipe places the mail, sees who sent it, and refuses it', async () => {
  const { home, recipe, deliver } = account();
  recipe('if ($FROM eq "a@b" && /^Delivered-To: joe@here/)\nto "./box"\n');
  assert.equal((await deliver()).outcome.kind, 'delivered');
  assert.match(readFileSync(join(home, 'box'), 'utf8'), /^From a@b .*\nDelivered-To: joe@here\n/);
  recipe('echo "Not wanted here"\nEXITCODE=77\nexit\n');
  const { outcome } = await deliver();
  assert.deepEqual([outcome.kind, outcome.said?.text], ['failed', 'Not wanted here']);
});

test('a recipe with an error, or one that others may read, makes mail wait', async () => {
  const { home, recipe, deliver } = account();
  recipe('if (1) to "x"\n');
  const { outcome } = await deliver();
  assert.equal(outcome.kind, 'deferred');
  assert.match(outcome.said?.text ?? '', /mailfilter:1:8/);
  recipe('to "./box"\n');
  chmodSync(join(home, '.mailfilter'), 0o644);
  assert.equal((await deliver()).outcome.kind, 'deferred');
});

test('|| maildrop: what a recipe prints is instructions, complaints are none', async () => {
  const { home, recipe, dotFile, deliver } = account();
  dotFile('|| maildrop\n./rest/\n');
  recipe('if (/^Subject: hi/)\n{\necho "&copy@there"\nif (/(/)\nexit\necho "./listed/"\n}\nexit\n');
  mkdirSync(join(home, 'listed'));
  const { outcome, forwards } = await deliver();
  assert.deepEqual([outcome.kind, forwards, readdirSync(join(home, 'listed/new')).length, readdirSync(join(home, 'rest/new')).length], ['delivered', ['copy@there'], 1, 1]);
});

test('a recipe that does not end is ended by localtimeout', async () => {
  const { recipe, deliver } = account(200);
  recipe('while (1)\nX="a"\n');
  assert.deepEqual((await deliver()).outcome.said?.text, 'The program took too long');
});
