/**
 * How fast does mail get from the wire into mailboxes? 4 KB letters for 100 Maildirs, from the first RCPT to the last
 * file that is there, with every sync that each program makes as shipped: ours syncs file and folder, Postfix's
 * virtual(8) the file. Both run all the time and take turns of a few seconds, so that whatever else the box does
 * meets them alike; the ratio is the median over pairs of turns. `node bench/local.ts [--quick]`; ends with 1 below
 * the goal.
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { scratchFolder } from '../test/props/scratch.ts';
import { loadToolsAbsent, runSource } from './load.ts';
import { MAIL_DOMAIN, type Peer, type Running } from './peers/peer.ts';
import { postfix } from './peers/postfix.ts';
import { posthorn } from './peers/posthorn.ts';
import { cpuSeconds } from './processes.ts';
import { median } from './statistics.ts';

const GOAL = 1.5;
const MAILBOXES = 100;
const SESSIONS = 10;
const LIMIT_MS = 120_000;
const LOOK_MS = 25;
/** Messages for each mailbox: before the first turn, and in each; enough that starting the source costs little beside them. */
const WARM = 10;
const EACH = 40;

interface Turn {
  /** Messages a second. */
  readonly speed: number;
  /** Of all its processes, for one message. */
  readonly cpuMs: number;
}

interface Entrant {
  readonly peer: Peer;
  readonly folder: string;
  readonly running: Running;
  readonly turns: Turn[];
  delivered: number;
}

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false }, profile: { type: 'string' } } });
const pairs = values.quick ? 4 : 10;
const users = Array.from({ length: MAILBOXES }, (_, n) => `user${n}`);

const absent = loadToolsAbsent() ?? postfix.absent() ?? posthorn.absent();
if (absent === null) process.exitCode = await compare();
else process.stdout.write(`local delivery: not measured: ${absent}\n`);

async function compare(): Promise<number> {
  const entrants: Entrant[] = [];
  try {
    for (const peer of [posthorn, postfix]) entrants.push(await enter(peer));
    for (const entrant of entrants) await fill(entrant, WARM);
    const [ours, theirs] = entrants as [Entrant, Entrant];
    for (let pair = 0; pair < pairs; pair++) {
      for (const entrant of pair % 2 === 0 ? [ours, theirs] : [theirs, ours]) entrant.turns.push(await turn(entrant));
    }
    for (const { peer, turns } of entrants) {
      const speeds = turns.map(({ speed }) => speed);
      process.stdout.write(`${peer.name.padEnd(10)} ${median(speeds).toFixed(0).padStart(6)} messages/s into ${MAILBOXES} Maildirs (${Math.min(...speeds).toFixed(0)} to ${Math.max(...speeds).toFixed(0)}), ${median(turns.map(({ cpuMs }) => cpuMs)).toFixed(2)} ms of CPU each\n`);
    }
    const ratio = median(ours.turns.map(({ speed }, at) => speed / (theirs.turns[at]?.speed ?? Number.NaN)));
    process.stdout.write(`ratio ${ratio.toFixed(2)} over ${pairs} pairs, goal ${GOAL}\n`);
    return ratio >= GOAL ? 0 : 1;
  } finally {
    for (const { running, folder } of entrants) {
      await running.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

async function enter(peer: Peer): Promise<Entrant> {
  const folder = scratchFolder(`local-${peer.name}`);
  // Nothing goes out: nobody listens behind.
  const running = await peer.start({ folder, nextHop: 9, mode: 'local', users, ...(values.profile === undefined ? {} : { profile: values.profile }) });
  const mail = join(folder, 'mail');
  if (!existsSync(mail)) mkdirSync(mail);
  return { peer, folder, running, turns: [], delivered: 0 };
}

async function turn(entrant: Entrant): Promise<Turn> {
  const { pids } = entrant.running;
  const [start, before] = [performance.now(), cpuSeconds(pids)];
  await fill(entrant, EACH);
  const messages = MAILBOXES * EACH;
  return { speed: messages / ((performance.now() - start) / 1000), cpuMs: ((cpuSeconds(pids) - before) * 1000) / messages };
}

/** So many messages for every user, by SESSIONS sessions at once; resolves when all of them lie there. */
async function fill(entrant: Entrant, messages: number): Promise<void> {
  const waiting = [...users];
  const session = async () => {
    for (let user = waiting.pop(); user !== undefined; user = waiting.pop()) {
      await runSource(entrant.running.port, { sessions: 1, messages, octets: 4096, reconnect: false, recipient: `${user}@${MAIL_DOMAIN}` }, LIMIT_MS);
    }
  };
  await Promise.all(Array.from({ length: SESSIONS }, session));
  entrant.delivered += messages * MAILBOXES;
  const mail = join(entrant.folder, 'mail');
  for (const end = performance.now() + LIMIT_MS; count(mail) < entrant.delivered; ) {
    if (performance.now() > end) throw new Error(`${count(mail)} of ${entrant.delivered} messages after ${LIMIT_MS} ms`);
    await new Promise(next => setTimeout(next, LOOK_MS));
  }
}

function count(mail: string): number {
  return users.reduce((sum, user) => sum + (existsSync(join(mail, user, 'new')) ? readdirSync(join(mail, user, 'new')).length : 0), 0);
}
