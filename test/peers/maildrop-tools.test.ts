/** Debian's reformail and makemime beside ours: the same words, the same input, the same octets. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { scratchFor } from '../props/scratch.ts';

const skip = existsSync('/usr/bin/reformail') && existsSync('/usr/bin/makemime') ? false : 'reformail and makemime (maildrop) are not installed';
const MAIN = join(import.meta.dirname, '../../src/main.ts');
const environment = { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8' };

interface Said {
  readonly code: number | null;
  readonly out: string;
}

function both(folder: string, program: 'reformail' | 'makemime', args: readonly string[], input: string): { readonly theirs: Said; readonly ours: Said } {
  const options = { cwd: folder, input, env: environment, timeout: 30_000 };
  const said = ({ status, stdout }: ReturnType<typeof spawnSync>): Said => ({ code: status, out: String(stdout).replaceAll(/=_[0-9a-f_]+/g, 'BOUNDARY').replaceAll(/^(From \S+) .*$/gm, '$1 TIME') });
  return { theirs: said(spawnSync(program, args, options)), ours: said(spawnSync(process.execPath, [MAIN, program, ...args], options)) };
}

const letter = 'Received: one\nReceived: two\n\tfolded  more\nSubject: Hi\nTo: a@b,\n c@d\nX-E:\nsubject: second\n\nbody\n\nFrom x\n';

test('reformail', { skip, timeout: 120_000 }, t => {
  const folder = scratchFor(t, 'reformail');
  const rows: readonly (readonly [readonly string[], string])[] = [
    [['-x', 'Received:', '-X', 'to:'], letter], [['-X', 'X-E:', '-x', 'Nope:'], letter], [['-a', 'Subject: new', '-a', 'X-N: v'], letter], [['-A', 'Subject: new'], letter], [['-i', 'Subject: new'], letter], [['-I', 'Subject: new'], letter],
    [['-I', 'Received:'], letter], [['-R', 'received:', 'X-R:'], letter], [['-u', 'Received:'], letter], [['-U', 'Subject:'], letter], [['-c'], letter], [['-f1'], letter],
    [['-f0'], '\n\nFrom joe@x Sat Nov  1\nReturn-Path: <old>\nSubject: x\n\nb\n'], [['-f0'], 'From joe@x Sat Nov  1 1\n>Subject: x\n cont\nSubject: y\n\nb\n'], [['-f1'], 'From: "X" <q@r>\n\nb\n'], [['-f1'], 'Return-Path: <a@b>\nErrors-To: z\n\nb\n'],
    [['-s', 'sh', '-c', 'echo "[$FILENO]"; cat'], 'From a Sat\nSubject: 1\n\nb1\n>From q\n\nFrom b Sun\nSubject: 2\n\nb2\n\n'],
    [['-D', '100', 'cache'], 'Subject: no id\n\nx\n'],
  ];
  for (const [args, input] of rows) {
    const { theirs, ours } = both(folder, 'reformail', args, input);
    assert.deepEqual(ours, theirs, args.join(' '));
  }
  // One file for both: what one has seen the other knows.
  const seen = 'Message-ID: <1@x>\n\nx\n';
  const first = both(folder, 'reformail', ['-D', '100', 'cache'], seen);
  assert.deepEqual([first.theirs.code, first.ours.code], [1, 0]);
});

test('makemime', { skip, timeout: 120_000 }, t => {
  const folder = scratchFor(t, 'makemime');
  writeFileSync(join(folder, 'text'), 'gr\u00fc\u00df aus K\u00f6ln\n');
  writeFileSync(join(folder, 'plain'), 'plain = text\n');
  writeFileSync(join(folder, 'bin'), Buffer.from(Array.from({ length: 256 }, (_, n) => n)));
  writeFileSync(join(folder, 'order'), '# order\n-j\n  (\n  -m\n   multipart/mixed\n  -a\n   Mime-Version: 1.0\n  (\n -c\n auto\n text\n)\n)\n(\n-c\nauto\nbin\n)\n');
  for (const args of [
    ['-c', 'text/plain', 'text'], ['-c', 'auto', 'text'], ['-c', 'auto', 'bin'], ['-c', 'auto', 'plain'], ['-c', 'text/plain', '-e', 'quoted-printable', '-C', 'utf-8', '-a', 'X-A: b', 'text'], ['-c', 'application/x', '-e', 'base64', 'bin'],
    ['-m', 'multipart/mixed', '-a', 'Mime-Version: 1.0', '(', '-c', 'text/plain', 'plain', ')'], ['-j', '(', '-m', 'multipart/alternative', '(', '-c', 'text/plain', 'plain', ')', ')', '(', '-c', 'auto', 'bin', ')'], ['@order'], ['-c', 'text/plain', '-'],
  ]) {
    const { theirs, ours } = both(folder, 'makemime', args, 'typed\n');
    assert.deepEqual(ours, theirs, args.join(' '));
  }
});
