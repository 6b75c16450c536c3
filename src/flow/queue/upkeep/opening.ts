/** Opening the index so that nobody writes into a file that another process is about to exchange (compaction.ts). */
import { statSync } from 'node:fs';
import type { Liveness } from './holders.ts';
import { formatHolder, parseHolder, thisHolder } from './holders.ts';
import type { LmdbIndex } from '../lmdb-index.ts';
import { keysFrom } from '../lmdb-index.ts';

export interface OpeningOptions {
  readonly folder: string;
  readonly open: () => LmdbIndex;
  readonly tag: string;
}

/** Exchanges are rare, and take a moment. */
const MOST_TRIES = 10;
const MOST_HOLDERS = 10_000;

/** Open, and registered as its holder. */
export async function openRegistered({ folder, open, tag }: OpeningOptions): Promise<LmdbIndex> {
  for (let tries = 0; ; tries++) {
    const before = filesOf(folder);
    const index = open();
    const opened = filesOf(folder);
    if (isSame(before, opened)) {
      await index.settled(index.holders.put(tag, formatHolder(thisHolder())));
      if (isSame(opened, filesOf(folder))) return index;
    }
    await index.close();
    if (tries === MOST_TRIES) throw new Error('the queue index is exchanged again and again');
  }
}

type Files = readonly (number | null)[];

/** Which files the names are. */
function filesOf(folder: string): Files {
  return ['data.mdb', 'lock.mdb'].map((name) => statSync(`${folder}/${name}`, { throwIfNoEntry: false })?.ino ?? null);
}

/** What was not there has been made by the opening. */
function isSame(one: Files, other: Files): boolean {
  return one.every((number, at) => number === null || number === other[at]);
}

/** Besides the one with this tag. */
export function hasOthers(index: LmdbIndex, tag: string, mayBeAlive: Liveness): boolean {
  return keysFrom(index.holders, '0', MOST_HOLDERS).some((other) => {
    const holder = other === tag ? null : parseHolder(index.holders.getBinary(other));
    return holder !== null && mayBeAlive(holder);
  });
}
