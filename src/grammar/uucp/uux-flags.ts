/** UUXFLAGS: options of uux, never a command, a file to send or a shell's word. */
import { read, shown, wrong, type Parsed } from '../config/parsed.ts';
import { isGrade } from './batch-rules.ts';

const EXAMPLE = 'UUXFLAGS="-j -r -g C"';

export function parseUuxFlags(text: string): Parsed<readonly string[]> {
  const flags: string[] = [];
  const words = text.split(/\s+/).filter(word => word !== '');
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    if (/^-[jrzncClb]+$/.test(word)) flags.push(word);
    else if (/^-[gIx]/.test(word)) {
      const letter = word.slice(0, 2);
      const value = word.length > 2 ? word.slice(2) : (words[++at] ?? '');
      const good = letter === '-g' ? isGrade(value) : letter === '-x' ? /^[a-z0-9,-]+$/.test(value) : /^\/[!-~]*$/.test(value);
      if (!good) return wrong(`${shown(`${letter} ${value}`)} is no such option of uux`, EXAMPLE);
      flags.push(letter, value);
    } else return wrong(`${shown(word)} is not an option of uux that can stand here`, EXAMPLE);
  }
  return read(flags);
}

/** With `grade` instead of the flags' own. */
export function withGrade(flags: readonly string[], grade: string | undefined): readonly string[] {
  if (grade === undefined) return flags;
  const own = flags.indexOf('-g');
  return [...(own < 0 ? flags : flags.toSpliced(own, 2)), '-g', grade];
}

/** The `-I` among them: what Taylor's other programs are told as well. */
export function configurationOf(flags: readonly string[]): string | undefined {
  const at = flags.indexOf('-I');
  return at < 0 ? undefined : flags[at + 1];
}
