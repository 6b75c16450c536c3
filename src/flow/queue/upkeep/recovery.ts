/**
 * What a crash left, put right when a queue is opened: leases of dead holders end, body files without a record go,
 * records without their body file go to quarantine, idempotency keys outlive no parent. Nothing that belongs to a
 * holder that may be alive is touched; the tag in a queue id says whose it is.
 */
import type { Instant } from '../../../core/clock.ts';
import type { MessageId } from '../../../core/envelope.ts';
import type { Log } from '../../../core/log.ts';
import type { BodyFiles } from '../body-files.ts';
import { leasesOf } from '../claims.ts';
import type { Liveness } from './holders.ts';
import { parseHolder } from './holders.ts';
import type { LmdbIndex } from '../lmdb-index.ts';
import { keysFrom } from '../lmdb-index.ts';
import { tagOf } from '../message-id.ts';
import { keyStands } from '../outside-keys.ts';
import type { Transitions } from '../transitions.ts';

/** Steps short enough that other processes on the same queue do not notice. */
const STEP = 500;
const MOST_HOLDERS = 10_000;

export interface Recovery {
  /** Messages that journals of the dead still held. */
  readonly journal: number;
  readonly leases: number;
  readonly orphans: number;
  readonly missing: number;
  readonly keys: number;
}

interface Options {
  readonly index: LmdbIndex;
  readonly bodies: BodyFiles;
  readonly steps: Transitions;
  readonly now: Instant;
  readonly log: Log;
  /** Our own tag: registered, and owner of nothing yet. */
  readonly tag: string;
  readonly mayBeAlive: Liveness;
  /** What journal/replay.ts brought in before. */
  readonly journal: number;
}

/** Holders that may be alive, ourselves among them, and those that are certainly dead. */
export function holdersOf(index: LmdbIndex, own: string, mayBeAlive: Liveness): { readonly alive: ReadonlySet<string>; readonly dead: readonly string[] } {
  const alive = new Set<string>([own]);
  const dead: string[] = [];
  for (const tag of keysFrom(index.holders, '0', MOST_HOLDERS)) {
    const holder = parseHolder(index.holders.getBinary(tag));
    if (tag !== own && holder !== null && mayBeAlive(holder)) alive.add(tag);
    else if (tag !== own) dead.push(tag);
  }
  return { alive, dead };
}

export async function recover(options: Options): Promise<Recovery> {
  const { index, journal } = options;
  const { alive, dead } = holdersOf(index, options.tag, options.mayBeAlive);
  const leases = await endLeases(options, alive);
  const files = await sweepFiles(options, alive);
  const keys = await sweepKeys(options);
  if (dead.length > 0) await index.transaction(() => dead.forEach((tag) => void index.holders.remove(tag)));
  const found = { journal, leases, ...files, keys };
  if (journal + leases + files.orphans + files.missing + keys > 0) options.log.warn('queue', { what: 'recovered', ...found });
  return found;
}

async function endLeases({ index, steps, now }: Options, alive: ReadonlySet<string>): Promise<number> {
  const theirs = [...leasesOf(index)].filter(({ lease }) => !alive.has(lease.holder));
  for (let from = 0; from < theirs.length; from += STEP) {
    const batch = theirs.slice(from, from + STEP);
    await index.transaction(() => {
      for (const { id, token } of batch) if (steps.stands(id, token)) steps.giveBack(id, now);
    });
  }
  return theirs.length;
}

async function sweepFiles({ index, bodies, steps }: Options, alive: ReadonlySet<string>): Promise<{ readonly orphans: number; readonly missing: number }> {
  const present = new Set<MessageId>();
  let orphans = 0;
  for await (const { id, path, temporary } of bodies.list()) {
    if (!temporary && index.files.doesExist(id)) present.add(id);
    else if (!alive.has(tagOf(id))) {
      await bodies.unlink(path);
      orphans++;
    }
  }
  let missing = 0;
  for (let from = '0'; ; ) {
    const ids = keysFrom(index.files, from, STEP) as MessageId[];
    // A lease of a live holder may be a delivery that ends, and with it its file, while we look.
    const lost = ids.filter((id) => !present.has(id) && !alive.has(tagOf(id)) && !index.leases.doesExist(id));
    if (lost.length > 0) {
      missing += await index.transaction(() => lost.filter((id) => isLost(index, id) && steps.toQuarantine(id, 'body file is missing')).length);
    }
    if (ids.length < STEP) return { orphans, missing };
    from = `${ids.at(-1)!}\0`;
  }
}

/** Inside a transaction. */
function isLost(index: LmdbIndex, id: MessageId): boolean {
  return index.files.doesExist(id) && !index.leases.doesExist(id) && !index.quarantine.doesExist(id);
}

async function sweepKeys({ index, now }: Options): Promise<number> {
  let swept = 0;
  for (let from = '0'; ; ) {
    const keys = keysFrom(index.keys, from, STEP);
    const orphans = keys.filter((key) => !keyStands(index, key, now));
    if (orphans.length > 0) await index.transaction(() => orphans.forEach((key) => void index.keys.remove(key)));
    swept += orphans.length;
    if (keys.length < STEP) return swept;
    from = `${keys.at(-1)!}\0`;
  }
}

