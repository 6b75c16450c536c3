/**
 * gdbmopen's files: text, a line for each key, `key<TAB>value`, as makedat(1) reads its sources; backslash escapes a
 * tab, a line end and itself. Read whole; written anew beside it, synced, and put in its place when it is closed.
 */
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { replaceFile } from '../../kit/file/replace-file.ts';
import type { MapMode, TextMap } from './world.ts';

const LARGEST = 64 * 1024 * 1024;
const MOST_KEYS = 500_000;

export async function openTextMap(path: string, mode: MapMode): Promise<TextMap | null> {
  const read = mode === 'N' ? 'absent' : await readMap(path);
  if (read === 'unreadable' || (read === 'absent' && (mode === 'R' || mode === 'W'))) return null;
  const entries = read === 'absent' ? new Map<string, string>() : read;
  let changed = read === 'absent';
  const save = () => replaceFile(path, formatTextMap(entries), 'latin1').then(() => true, () => false);
  // Whoever may not write it hears so when it is opened, not when it is too late.
  if (mode !== 'R' && changed && !(await save())) return null;
  return {
    fetch: key => entries.get(key),
    store(key, value) {
      if (mode === 'R' || (entries.size >= MOST_KEYS && !entries.has(key))) return false;
      entries.set(key, value);
      changed = true;
      return true;
    },
    async close() {
      if (mode !== 'R' && changed) await save();
      changed = false;
    },
  };
}

async function readMap(path: string): Promise<Map<string, string> | 'absent' | 'unreadable'> {
  let file: FileHandle | null = null;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const { size } = await file.stat();
    if (size > LARGEST) return 'unreadable';
    const octets = await file.readFile();
    // A GDBM file is no text; better said than searched.
    if (octets.includes(0)) return 'unreadable';
    return parseTextMap(octets.toString('latin1'));
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'absent' : 'unreadable';
  } finally {
    await file?.close();
  }
}

export function parseTextMap(text: string): Map<string, string> {
  const entries = new Map<string, string>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const tab = /^((?:[^\t\\]|\\[^])*)\t([^]*)$/.exec(line);
    // A key alone has the value 1, as makedat has it.
    entries.set(unescaped(tab?.[1] ?? line), tab === null ? '1' : unescaped(tab[2] ?? ''));
  }
  return entries;
}

export function formatTextMap(entries: ReadonlyMap<string, string>): string {
  return [...entries].map(([key, value]) => `${escaped(key).replace(/^#/, '\\#')}\t${escaped(value)}\n`).join('');
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\t', '\\t').replaceAll('\n', '\\n').replaceAll('\0', '\\0');
}

function unescaped(text: string): string {
  return text.replaceAll(/\\([^])/g, (_, next: string) => ({ t: '\t', n: '\n', 0: '\0' })[next] ?? next);
}
