/** What is known of each link, in one file of the state folder: how it stands, an operator's word, when it came and went. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { keepFile, type FileSystem } from '../../kit/file/durable-file.ts';

export type LinkState = 'up' | 'down';

export interface LinkRecord {
  readonly state: LinkState;
  /** A signal, or an operator's word over what decides otherwise. */
  readonly word?: LinkState;
  /** Oldest first. */
  readonly changes: readonly LinkChange[];
}

export interface LinkChange {
  readonly at: number;
  readonly state: LinkState;
}

export type LinkRecords = ReadonlyMap<string, LinkRecord>;

const FILE = 'links.json';
const VERSION = 1;
/** A link that comes and goes every ten minutes is remembered for a fortnight. */
const MOST_CHANGES = 4000;

export function changed(record: LinkRecord | undefined, state: LinkState, at: number): LinkRecord {
  const before = record?.changes ?? [];
  return { ...(record?.word === undefined ? {} : { word: record.word }), state, changes: [...before.slice(-(MOST_CHANGES - 1)), { at, state }] };
}

/** What was down of the time between. Before the first that is remembered it is taken to have been up. */
export function downMsOf({ changes }: LinkRecord, from: number, to: number): number {
  let end = to;
  let sum = 0;
  for (let n = changes.length - 1; n >= 0 && end > from; n--) {
    const { at, state } = changes[n] as LinkChange;
    // A clock that was set back may have written later times before earlier ones.
    const start = Math.max(from, Math.min(at, end));
    if (state === 'down') sum += end - start;
    end = start;
  }
  return sum;
}

export interface LinkFile {
  readonly folder: string;
  readonly files: FileSystem;
}

/** What cannot be read is not known: a link is then as its rule says. */
export async function readRecords({ folder }: Pick<LinkFile, 'folder'>): Promise<LinkRecords> {
  let text: string;
  try {
    text = await readFile(join(folder, FILE), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return new Map();
    throw error;
  }
  return parseRecords(text);
}

export function parseRecords(text: string): LinkRecords {
  let whole: unknown;
  try {
    whole = JSON.parse(text);
  } catch {
    return new Map();
  }
  const found = new Map<string, LinkRecord>();
  if (!isObject(whole) || whole['version'] !== VERSION || !isObject(whole['links'])) return found;
  for (const [name, one] of Object.entries(whole['links'])) {
    if (!isObject(one) || !isState(one['state']) || !Array.isArray(one['changes'])) continue;
    const changes = one['changes'].flatMap((change: unknown): LinkChange[] => {
      if (!Array.isArray(change)) return [];
      const [at, state]: unknown[] = change;
      return typeof at === 'number' && isState(state) ? [{ at, state }] : [];
    });
    found.set(name, { state: one['state'], changes: changes.slice(-MOST_CHANGES), ...(isState(one['word']) ? { word: one['word'] } : {}) });
  }
  return found;
}

export function formatRecords(records: LinkRecords): string {
  const links = Object.fromEntries([...records].map(([name, { state, word, changes }]) => [name, { state, ...(word === undefined ? {} : { word }), changes: changes.map(({ at, state: was }) => [at, was]) }]));
  return `${JSON.stringify({ version: VERSION, links })}\n`;
}

export async function writeRecords({ folder, files }: LinkFile, records: LinkRecords): Promise<void> {
  await keepFile(files, folder, FILE, [Buffer.from(formatRecords(records))]);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isState(value: unknown): value is LinkState {
  return value === 'up' || value === 'down';
}
