/** Debian's maildrop beside ours: each recipe runs in both, on the same message, in a folder of its own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { silent } from '../../src/core/log.ts';
import { createSystemClock } from '../../src/kit/system-clock.ts';
import { createMailboxes } from '../../src/service/mailbox/index.ts';
import { createMaildrop } from '../../src/service/maildrop/index.ts';
import { scratchFor } from '../props/scratch.ts';
import { messages, rows, type Row } from './maildrop/recipes.ts';

const PEER = '/usr/bin/maildrop';
const skip = existsSync(PEER) ? false : 'maildrop (maildrop) is not installed';
const TIMEOUT_MS = 20_000;

interface Result {
  readonly code: number;
  readonly printed: string;
  readonly files: Readonly<Record<string, string>>;
}

const clock = createSystemClock();
const maildrop = createMaildrop({
  mailboxes: createMailboxes({ clock, log: silent, host: hostname() }), clock,
  systemRecipe: '/nonexistent/maildroprc', trustedFolder: '/nonexistent/maildroprcs', sendmail: '/usr/sbin/sendmail',
});

test('the table has what the comparison was promised', () => {
  assert.ok(rows.length >= 150, `${rows.length} recipes`);
  assert.equal(new Set(rows.map(({ recipe, message, args, embedded }) => JSON.stringify([recipe, message, args, embedded]))).size, rows.length, 'a recipe twice');
});

test('recipes have the same effect here and there', { skip, timeout: 180_000 }, async t => {
  const folder = scratchFor(t, 'maildrop-peer');
  const differing: string[] = [];
  for (const row of rows) {
    const theirs = runTheirs(prepare(join(folder, 'theirs'), row), row);
    const ours = await runOurs(prepare(join(folder, 'ours'), row), row);
    try {
      assert.deepEqual(ours, theirs);
    } catch {
      differing.push(`${JSON.stringify(row.recipe)} ${row.message ?? ''} ${row.args?.join(' ') ?? ''}\n  theirs: ${JSON.stringify(theirs)}\n  ours:   ${JSON.stringify(ours)}`);
    }
  }
  assert.equal(differing.length, 0, `${differing.length} of ${rows.length} recipes differ:\n${differing.join('\n')}`);
});

function prepare(folder: string, { recipe }: Row): string {
  rmSync(folder, { recursive: true, force: true });
  for (const maildir of ['A', 'B']) for (const part of ['tmp', 'new', 'cur']) mkdirSync(join(folder, maildir, part), { recursive: true });
  writeFileSync(join(folder, 'recipe'), `DEFAULT="./default"\n${recipe}\n`, { mode: 0o600 });
  return folder;
}

const environment = { PATH: '/usr/bin:/bin', GIVEN: 'given', LANG: 'C.UTF-8' };

function runTheirs(folder: string, { message = 'plain', args = [], embedded }: Row): Result {
  const ran = spawnSync(PEER, [...args, ...(embedded === true ? ['-m'] : []), './recipe'], { cwd: folder, input: messages[message], env: environment, timeout: TIMEOUT_MS });
  return { code: ran.status ?? -1, printed: ran.stdout.toString('latin1'), files: filesIn(folder) };
}

async function runOurs(folder: string, { message = 'plain', args = [], embedded }: Row): Promise<Result> {
  const printed: Uint8Array[] = [];
  const from = args.indexOf('-f');
  const { code } = await maildrop.run({
    recipe: { kind: 'file', path: join(folder, 'recipe'), embedded: embedded === true }, home: folder, defaultMailbox: './default', login: 'root',
    environment, importAll: true, fields: args.filter((_, index) => args[index - 1] === '-A'),
    ...(from < 0 ? {} : { reversePath: args[from + 1] ?? '' }),
    content: () => [Buffer.from(messages[message])],
    output: octets => printed.push(octets), complain: () => undefined,
  }, AbortSignal.timeout(TIMEOUT_MS));
  return { code, printed: Buffer.concat(printed).toString('latin1'), files: filesIn(folder) };
}

/** What differs by its nature is levelled: times, and the names of a Maildir's messages but for their flags. */
function filesIn(folder: string): Record<string, string> {
  const files: Record<string, string> = {};
  for (const path of (readdirSync(folder, { recursive: true, encoding: 'utf8' })).toSorted()) {
    if (path === 'recipe' || path === 'map' || path === 'two') continue;
    let text: string;
    try {
      text = readFileSync(join(folder, path), 'latin1');
    } catch {
      continue;
    }
    const name = path.replace(/(new|cur|courierimapkeywords)\/\d+\.M[^:]*/, '$1/message').replace(/message(:2,\w*)?$/, (_, flags: string | undefined) => `message${flags === undefined ? '' : flags.split('').toSorted().join('')}`);
    files[name] = text
      .replaceAll(/^(From \S+) .*$/gm, '$1 TIME')
      .replaceAll(/^Date: \w{3} \w{3} .*$/gm, 'Date: TIME')
      .replaceAll(/^ *(-?\d+) +(-?\d+) *$/gm, path.endsWith('maildirsize') ? '$1 $2' : '$&');
  }
  return files;
}
