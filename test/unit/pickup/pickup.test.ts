/** The pickup folder against those who may write into it: everybody. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, linkSync, mkdirSync, readdirSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Log } from '../../../src/core/log.ts';
import { openPickup, type LeftMessage, type PickupOptions } from '../../../src/flow/pickup/index.ts';
import { formatPickup, parsePickup, type PickupEnvelope } from '../../../src/grammar/pickup.ts';
import fc from '../../props/fast-check.ts';
import { createHandClock } from '../../props/hand-clock.ts';
import { scratchFor } from '../../props/scratch.ts';

const envelope: PickupEnvelope = { reversePath: 'a@here.example', recipients: ['b@there.example'] };
const file = (body = 'Subject: x\n\nbody\n', own: Partial<PickupEnvelope> = {}) => `${formatPickup({ ...envelope, ...own })}${body}`;

interface Taken extends Omit<LeftMessage, 'content'> {
  readonly text: string;
}

async function box(t: TestContext, own: Partial<PickupOptions> = {}, prepare: (folder: string) => void = () => undefined) {
  const state = scratchFor(t, 'pickup');
  chmodSync(state, 0o700);
  const folder = join(state, 'pickup');
  mkdirSync(folder);
  prepare(folder);
  const clock = createHandClock(Date.now());
  const taken: Taken[] = [];
  const said: string[] = [];
  const hear = (_event: string, fields: Readonly<Record<string, unknown>> = {}) => void said.push(`${String(fields['what'])}: ${String(fields['why'])}`);
  const log: Log = { info: hear, warn: hear, error: hear };
  const answers: ('taken' | 'later')[] = [];
  const forgotten: string[] = [];
  const pickup = await openPickup({
    folder, open: 'everyone', sizeOctets: () => 1000, nameOf: uid => `user${uid}`, clock, log,
    async take({ content, ...left }) {
      const pieces: Uint8Array[] = [];
      for await (const piece of content()) pieces.push(piece);
      taken.push({ ...left, text: Buffer.concat(pieces).toString() });
      return answers.shift() ?? 'taken';
    },
    forget: keys => Promise.resolve(void forgotten.push(...keys)),
    ...own,
  });
  t.after(() => pickup.close());
  await pickup.look();
  return { folder, state, taken, said, clock, answers, forgotten, pickup, left: () => readdirSync(folder) };
}

test('what lies there at the start is taken in, in order, and is gone afterwards; the file\'s owner is the sender\'s account', async t => {
  const { taken, left } = await box(t, {}, folder => {
    writeFileSync(join(folder, 'msg.2.b'), file('second'));
    writeFileSync(join(folder, 'msg.1.a'), file('first', { reversePath: '', notify: ['failure'], wishes: [{ notify: 'never' }] }));
    writeFileSync(join(folder, 'tmp.3'), file('not finished'));
    writeFileSync(join(folder, 'README'), 'not mail');
  });
  assert.deepEqual(taken.map(({ text }) => text).toSorted(), ['first', 'second']);
  const first = taken.find(({ text }) => text === 'first');
  assert.deepEqual(first?.envelope, { reversePath: '', recipients: ['b@there.example'], notify: ['failure'], wishes: [{ notify: 'never' }] });
  assert.equal(first?.owner, `user${process.getuid?.()}`);
  assert.deepEqual(left().toSorted(), ['README', 'tmp.3']);
});

test('others may enter and write, not list; only with everyone', async t => {
  const open = await box(t);
  assert.equal(statSync(open.folder).mode & 0o7777, 0o1733);
  assert.equal(statSync(open.state).mode & 0o777, 0o701, 'through the state folder, and no further');
  const closed = await box(t, { open: 'owner' });
  assert.equal(statSync(closed.folder).mode & 0o7777, 0o700);
  assert.equal(statSync(closed.state).mode & 0o777, 0o700);
});

test('links, other names, pipes, folders and nonsense are never read, and only their name goes', async t => {
  const { folder, state, taken, left, said } = await box(t, {}, folder => {
    const secret = join(folder, '..', 'secret');
    writeFileSync(secret, file('secret'));
    symlinkSync(secret, join(folder, 'msg.symlink'));
    linkSync(secret, join(folder, 'msg.hardlink'));
    execFileSync('mkfifo', [join(folder, 'msg.pipe')]);
    mkdirSync(join(folder, 'msg.folder'));
    symlinkSync(join(folder, 'nowhere'), join(folder, 'msg.dangling'));
    writeFileSync(join(folder, 'msg.text'), 'From: x\n\nNo envelope\n');
    writeFileSync(join(folder, 'msg.empty'), '');
    writeFileSync(join(folder, 'msg.endless'), 'x'.repeat(2_000_000));
    writeFileSync(join(folder, 'msg.good'), file('good'));
  });
  assert.deepEqual(taken.map(({ text }) => text), ['good']);
  assert.deepEqual(left(), ['msg.folder']);
  assert.ok(existsSync(join(state, 'secret')) && folder !== state);
  assert.equal(said.filter(text => text.startsWith('thrown away')).length, 7, said.join('\n'));
  assert.equal(said.filter(text => text.startsWith('left alone')).length, 1, 'a folder is complained about once');
});

test('what cannot be taken now is offered again, later and later; what is new is seen meanwhile', async t => {
  const { folder, taken, clock, answers, left, pickup } = await box(t);
  answers.push('later', 'later');
  writeFileSync(join(folder, 'msg.1'), file());
  const start = clock.now();
  const offered = async (ms: number) => {
    await clock.runTo(start + ms);
    await pickup.look();
    return taken.length;
  };
  assert.equal(await offered(0), 1);
  assert.equal(await offered(29_000), 1);
  assert.equal(await offered(31_000), 2);
  writeFileSync(join(folder, 'msg.2'), file('another'));
  answers.push('taken');
  assert.equal(await offered(80_000), 3, 'the second wait is longer');
  assert.equal(taken.at(-1)?.text, 'another');
  assert.equal(await offered(95_000), 4);
  assert.deepEqual(left(), []);
});

test('too large is said, so that the sender can be told; what was never finished is swept', async t => {
  const { taken, left } = await box(t, {}, folder => {
    writeFileSync(join(folder, 'msg.fits'), file('x'.repeat(1000)));
    writeFileSync(join(folder, 'msg.large'), file('y'.repeat(1001)));
    writeFileSync(join(folder, 'tmp.old'), 'x');
    const longAgo = Date.now() / 1000 - 40 * 3600;
    utimesSync(join(folder, 'tmp.old'), longAgo, longAgo);
    writeFileSync(join(folder, 'tmp.new'), 'x');
  });
  assert.deepEqual(taken.map(({ text, tooLarge }) => [text[0], tooLarge]).toSorted(), [['x', false], ['y', true]]);
  assert.deepEqual(left(), ['tmp.new']);
});

test('an envelope is read as it was written, and nothing else is', () => {
  const full: PickupEnvelope = { reversePath: '', recipients: ['a@x.example', 'jö@x.example'], notify: 'never', ret: 'hdrs', envid: 'a b', wishes: [null, { notify: ['success', 'delay'], original: 'rfc822;b@x.example' }] };
  assert.deepEqual(parsePickup(formatPickup(full).trimEnd()), full);
  const rows: readonly unknown[] = [
    null, [], 'x', {}, { posthorn: 2, ...envelope }, { posthorn: 1, recipients: [] }, { posthorn: 1, ...envelope, recipients: [1] }, { posthorn: 1, ...envelope, recipients: 'b@x' }, { posthorn: 1, ...envelope, recipients: [] },
    { posthorn: 1, ...envelope, reversePath: null }, { posthorn: 1, ...envelope, notify: 'often' }, { posthorn: 1, ...envelope, notify: [] }, { posthorn: 1, ...envelope, ret: 'x' }, { posthorn: 1, ...envelope, envid: 'a\nb' },
    { posthorn: 1, ...envelope, wishes: [] }, { posthorn: 1, ...envelope, wishes: [{ original: 'no type' }] }, { posthorn: 1, ...envelope, wishes: [{ original: 'rfc822;a\r\nBcc: x' }] }, { posthorn: 1, ...envelope, reversePath: 'x'.repeat(2000) },
  ];
  for (const row of rows) assert.equal(parsePickup(JSON.stringify(row)), null, JSON.stringify(row));
  fc.assert(fc.property(fc.string(), text => void parsePickup(text)));
});

test('a file has one key as long as it is the same file, and it is forgotten when the file is gone', async t => {
  const { folder, taken, answers, forgotten, pickup, clock } = await box(t);
  answers.push('later');
  writeFileSync(join(folder, 'msg.1'), file());
  await pickup.look();
  assert.deepEqual(forgotten, []);
  await clock.runTo(clock.now() + 31_000);
  await pickup.look();
  const [first, again] = taken;
  assert.ok(first !== undefined && first.key === again?.key && first.key.startsWith('pickup:'));
  assert.deepEqual(forgotten, [first.key]);
  writeFileSync(join(folder, 'msg.1'), file());
  await pickup.look();
  assert.equal(forgotten.length, 2);
  assert.notEqual(forgotten[1], first.key, 'another file of that name is another message');
});
