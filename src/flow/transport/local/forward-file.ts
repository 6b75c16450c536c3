/** `|| dotforward`: what a user's .forward says, as instructions (courier-core 8.6). */
import { readFile, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { followForwardText } from '../../../grammar/local/dot-forward.ts';
import type { Lines, Octets } from './errand.ts';
import type { Ended } from './program.ts';

const LARGEST_OCTETS = 1024 * 1024;
const UNSAFE = 75;

interface Whereabouts {
  readonly home: string;
  readonly lines: Lines;
  readonly content: Octets;
}

export async function followForward({ home, lines, content }: Whereabouts): Promise<Ended> {
  const read = async (path: string): Promise<string | null> => {
    const full = isAbsolute(path) ? path : join(home, path);
    const found = await stat(full).catch(() => null);
    if (found === null || !found.isFile()) return null;
    if ((found.mode & 0o002) !== 0 || found.size > LARGEST_OCTETS) throw new Unsafe();
    return readFile(full, 'utf8');
  };
  try {
    const { code, output } = await followForwardText(read, { own: lines.dt.replace(/^Delivered-To: /, ''), seen: await deliveredTo(content) });
    return { kind: 'exit', code, output, cut: false };
  } catch (error) {
    if (error instanceof Unsafe) return { kind: 'exit', code: UNSAFE, output: 'The .forward file can be changed by others', cut: false };
    throw error;
  }
}

class Unsafe extends Error {}

/** Where the message says it has been. */
async function deliveredTo(content: Octets): Promise<readonly string[]> {
  return addressesIn(await headerOf(content));
}

export function addressesIn(header: string): readonly string[] {
  return Array.from(header.matchAll(/^delivered-to:[ \t]*([^\r\n]*)/gim), ([, value = '']) => value.trim());
}

/** How much is looked at; whoever goes in a circle writes it first. */
const LOOKED_AT = 100_000;

export async function headerOf(content: Octets): Promise<string> {
  let text = '';
  for await (const piece of content.read()) {
    text += Buffer.from(piece.buffer, piece.byteOffset, Math.min(piece.length, LOOKED_AT)).toString('utf8');
    const end = text.search(/\r?\n\r?\n/);
    if (end >= 0) return text.slice(0, end);
    if (text.length >= LOOKED_AT) break;
  }
  return text;
}
