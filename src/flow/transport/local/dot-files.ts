/** The dot files of a home: which one holds for an extension, and what it says when it may be believed. */
import { constants, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDotCourier, type Instruction } from '../../../grammar/local/dot-courier.ts';

export interface DotFile {
  readonly path: string;
  /** What `-default` stands for; '' when the file is the extension's own. */
  readonly matched: string;
}

const LARGEST_OCTETS = 1024 * 1024;
const OTHERS_WRITE = 0o002;

/** `.courier-a-b`, then `.courier-a-default`, then `.courier-default`; without an extension `.courier` alone. */
export function findDotFile(home: string, dotExtension: string, extension: string): DotFile | null {
  // A dot would make `..` possible and hide a file; Courier writes a colon. A slash is in no name that gets here.
  const name = extension.replaceAll('.', ':').replaceAll('/', ':');
  const file = (end: string) => join(home, `.${dotExtension}${end}`);
  if (name === '') return isFile(file('')) ? { path: file(''), matched: '' } : null;
  if (isFile(file(`-${name}`))) return { path: file(`-${name}`), matched: '' };
  for (let before = name; before !== ''; ) {
    before = before.slice(0, Math.max(0, before.lastIndexOf('-')));
    const path = file(before === '' ? '-default' : `-${before}-default`);
    if (isFile(path)) return { path, matched: extension.slice(before === '' ? 0 : before.length + 1) };
  }
  return null;
}

function isFile(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
  } catch {
    // Not ours to look into: it is taken to be there, and whoever delivers finds out.
    return true;
  }
}

/** 'unsafe': others could have written it. Null: it says nothing, so the default delivery holds. */
export async function readDotFile(path: string): Promise<readonly Instruction[] | null | 'unsafe'> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = await file.stat();
    if (!found.isFile() || (found.mode & OTHERS_WRITE) !== 0 || found.size > LARGEST_OCTETS) return 'unsafe';
    const { buffer, bytesRead } = await file.read(Buffer.alloc(found.size), 0, found.size, 0);
    return parseDotCourier(buffer.toString('utf8', 0, bytesRead));
  } finally {
    await file.close();
  }
}

/** Who may write into a home may lay dot files there. */
export function isOpenToOthers(mode: number): boolean {
  return (mode & OTHERS_WRITE) !== 0;
}
