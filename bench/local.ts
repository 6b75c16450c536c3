/**
 * How fast does mail get from the wire into mailboxes? 4 KB letters for 100 Maildirs, from the first RCPT to the last
 * file that is there, with every sync that each program makes as shipped: ours syncs file and folder, Postfix's
 * virtual(8) the file. Interleaved rounds. `node bench/local.ts [--quick]`; ends with 1 below the goal.
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { scratchFolder } from '../test/props/scratch.ts';
import { loadToolsAbsent, runSource } from './load.ts';
import { MAIL_DOMAIN, type Peer } from './peers/peer.ts';
import { postfix } from './peers/postfix.ts';
import { posthorn } from './peers/posthorn.ts';
import { cpuSeconds } from './processes.ts';
import { median } from './statistics.ts';

const GOAL = 1.5;
const MAILBOXES = 100;
const SESSIONS = 10;
const LIMIT_MS = 120_000;
const LOOK_MS = 10;
const WARM = 5;

interface Sample {
  readonly speed: number;
  /** Of all its processes, for one message. */
  readonly cpuMs: number;
}

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false }, profile: { type: 'string' } } });
const rounds = values.quick ? 2 : 5;
const each = values.quick ? 20 : 30;
const users = Array.from({ length: MAILBOXES }, (_, n) => `user${n}`);

const absent = loadToolsAbsent() ?? postfix.absent() ?? posthorn.absent();
if (absent !== null) {
  process.stdout.write(`local delivery: not measured: ${absent}\n`);
} else {
  const found = new Map<string, Sample[]>([[posthorn.name, []], [postfix.name, []]]);
  for (let round = 0; round < rounds; round++) {
    for (const peer of round % 2 === 0 ? [posthorn, postfix] : [postfix, posthorn]) found.get(peer.name)?.push(await sample(peer));
  }
  const speedOf = (peer: Peer) => median((found.get(peer.name) ?? []).map(({ speed }) => speed));
  for (const [name, samples] of found) {
    const speeds = samples.map(({ speed }) => speed);
    process.stdout.write(`${name.padEnd(10)} ${median(speeds).toFixed(0).padStart(6)} messages/s into ${MAILBOXES} Maildirs (${speeds.map(one => one.toFixed(0)).join(' ')}), ${median(samples.map(({ cpuMs }) => cpuMs)).toFixed(2)} ms of CPU each\n`);
  }
  const ratio = speedOf(posthorn) / speedOf(postfix);
  process.stdout.write(`ratio ${ratio.toFixed(2)}, goal ${GOAL}\n`);
  process.exitCode = ratio >= GOAL ? 0 : 1;
}

async function sample(peer: Peer): Promise<Sample> {
  const folder = scratchFolder(`local-${peer.name}`);
  // Nothing goes out: nobody listens behind.
  const running = await peer.start({ folder, nextHop: 9, mode: 'local', users, ...(values.profile === undefined ? {} : { profile: values.profile }) });
  try {
    const mail = join(folder, 'mail');
    if (!existsSync(mail)) mkdirSync(mail);
    // Makes the Maildirs, and warms what can be warm.
    await fill(running.port, mail, WARM, 0);
    const [start, before] = [performance.now(), cpuSeconds(running.pids)];
    await fill(running.port, mail, each, WARM * MAILBOXES);
    const messages = MAILBOXES * each;
    return { speed: messages / ((performance.now() - start) / 1000), cpuMs: ((cpuSeconds(running.pids) - before) * 1000) / messages };
  } finally {
    await running.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `each` messages for every user, by SESSIONS sessions at once; resolves when all of them lie there. */
async function fill(port: number, mail: string, messages: number, before: number): Promise<void> {
  const waiting = [...users];
  const session = async () => {
    for (let user = waiting.pop(); user !== undefined; user = waiting.pop()) {
      await runSource(port, { sessions: 1, messages, octets: 4096, reconnect: false, recipient: `${user}@${MAIL_DOMAIN}` }, LIMIT_MS);
    }
  };
  await Promise.all(Array.from({ length: SESSIONS }, session));
  const wanted = before + messages * MAILBOXES;
  for (const end = performance.now() + LIMIT_MS; count(mail) < wanted; ) {
    if (performance.now() > end) throw new Error(`${count(mail)} of ${wanted} messages after ${LIMIT_MS} ms`);
    await new Promise(next => setTimeout(next, LOOK_MS));
  }
}

function count(mail: string): number {
  return users.reduce((sum, user) => sum + (existsSync(join(mail, user, 'new')) ? readdirSync(join(mail, user, 'new')).length : 0), 0);
}
