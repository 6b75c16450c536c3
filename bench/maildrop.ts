/**
 * What does a recipe cost? 200 lines of one over 1,000 messages, in this process and by Debian's maildrop, which is
 * started for each message, as a delivery does it. `node bench/maildrop.ts [messages]`; blocks of both take turns in
 * one run, so that a busy machine is busy for both. Ends with 1 when ours is not so many times faster.
 * Asked besides, without a verdict: the same with a delivery into a Maildir, where ours syncs file and folder and
 * maildrop does not.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { silent } from '../src/core/log.ts';
import { createSystemClock } from '../src/kit/system-clock.ts';
import { createMailboxes } from '../src/service/mailbox/index.ts';
import { createMaildrop } from '../src/service/maildrop/index.ts';
import { readCorpus } from '../test/props/corpus.ts';
import { scratchFolder } from '../test/props/scratch.ts';
import { median } from './statistics.ts';

const PEER = '/usr/bin/maildrop';
const TIMES_FASTER = 3;
const BLOCKS = 5;
const messages = Number(process.argv[2] ?? 1000);

/** What people write: fields, lists, scores, variables; every condition is asked, none decides before the end. */
function recipe(last: string): string {
  const lines = ['DEFAULT="./default"', 'SCORE=0', 'FOLDER="inbox"', 'import HOME'];
  for (let n = 0; lines.length < 194; n++) {
    lines.push(
      `if (/^Subject:.*offer number ${n}/ || /^From:.*@bulk${n}\\.example/)`,
      '{',
      `SCORE=$SCORE + ${n}`,
      '}',
      `if (/^(To|Cc):.*list-${n}@lists\\.example/ && $SIZE < 100000)`,
      `FOLDER="lists/${n}"`,
      `if (/^List-Id:\\s*<(.*)>/ && $MATCH1 eq "list${n}")`,
      'FOLDER="$MATCH1"',
      `SCORE=$SCORE + /\\bword${n}\\b/:b,2,0.5`,
      `if (hasaddr("person${n}@here.example") && length($FOLDER) > 20)`,
      `FOLDER=tolower("$FOLDER${n}")`,
    );
  }
  lines.push('if ($SCORE > 100)', '{', 'EXITCODE=9', '}');
  while (lines.length < 199) lines.push('# as recipes have');
  return [...lines.slice(0, 199), last, ''].join('\n');
}

if (!existsSync(PEER)) {
  console.log('maildrop (maildrop) is not installed: nothing to compare with');
  process.exit(0);
}

const folder = scratchFolder('bench-maildrop');
const clock = createSystemClock();
const maildrop = createMaildrop({ mailboxes: createMailboxes({ clock, log: silent, host: 'bench' }), clock, systemRecipe: '/nonexistent', trustedFolder: '/nonexistent', sendmail: '/bin/false' });
// Maildrop reads LF; of each letter the first 64 KiB, for maildrop holds larger ones in a file of its own.
const letters = readCorpus().map(({ content }) => Buffer.from(content.toString('latin1').replaceAll('\r\n', '\n').slice(0, 65_536), 'latin1'));
const environment = { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8' };
const signal = new AbortController().signal;

async function ours(count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const { code } = await maildrop.run({
      recipe: { kind: 'file', path: 'recipe', embedded: false }, home: folder, defaultMailbox: './default', login: 'bench', environment, importAll: true,
      content: () => [letters[n % letters.length]!], output: () => undefined, complain: text => { throw new Error(text); },
    }, signal);
    if (code !== 0 && code !== 9) throw new Error(`ours ended with ${code}`);
  }
}

function theirs(count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const { status, stderr } = spawnSync(PEER, ['./recipe'], { cwd: folder, input: letters[n % letters.length]!, env: environment });
    if (status !== 0 && status !== 9) throw new Error(`maildrop ended with ${status}: ${stderr.toString()}`);
  }
  return Promise.resolve();
}

async function took(work: (count: number) => Promise<void>, count: number): Promise<number> {
  const begun = process.hrtime.bigint();
  await work(count);
  return Number(process.hrtime.bigint() - begun) / 1e6 / count;
}

let held = true;
for (const [question, last, least] of [['recipe alone', 'exit', TIMES_FASTER], ['with a synced delivery into a Maildir', 'to "./Maildir"', 0]] as const) {
  for (const part of ['tmp', 'new', 'cur']) {
    rmSync(join(folder, 'Maildir', part), { recursive: true, force: true });
    mkdirSync(join(folder, 'Maildir', part), { recursive: true });
  }
  writeFileSync(join(folder, 'recipe'), recipe(last), { mode: 0o600 });
  await ours(letters.length);
  const mine: number[] = [];
  const peer: number[] = [];
  for (let block = 0; block < BLOCKS; block++) {
    mine.push(await took(ours, Math.ceil(messages / BLOCKS)));
    peer.push(await took(theirs, Math.ceil(messages / BLOCKS)));
  }
  const ratio = median(peer) / median(mine);
  console.log(`${question}: ${median(mine).toFixed(2)} ms a message here, ${median(peer).toFixed(2)} ms by maildrop: ${ratio.toFixed(1)} times faster${ratio >= least ? '' : `, not ${least}`}`);
  held &&= ratio >= least;
}
rmSync(folder, { recursive: true, force: true });
process.exitCode = held ? 0 : 1;
