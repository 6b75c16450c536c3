/** Options as getopt(3) reads them, for commands that others have defined: letters, values glued or apart, first word ends them. */
import { Usage } from './command.ts';

export interface Options {
  /** In order; '' for an option without a value. */
  readonly given: readonly (readonly [letter: string, value: string])[];
  readonly rest: readonly string[];
  has(letter: string): boolean;
  /** The last one's. */
  value(letter: string): string | undefined;
  values(letter: string): readonly string[];
}

/** `letters` as getopt has it: `ad:` are `-a` and `-d VALUE`; `e::` takes a value only when it is glued on. */
export function readOptions(args: readonly string[], letters: string): Options {
  const given: [string, string][] = [];
  let at = 0;
  for (; at < args.length; at++) {
    const word = args[at]!;
    if (word === '--') {
      at++;
      break;
    }
    if (!word.startsWith('-') || word === '-') break;
    for (let letter = 1; letter < word.length; letter++) {
      const name = word[letter]!;
      const place = letters.indexOf(name);
      if (place < 0 || name === ':') throw new Usage(`there is no option -${name}`);
      const takes = letters[place + 1] === ':';
      const optional = takes && letters[place + 2] === ':';
      if (!takes) {
        given.push([name, '']);
        continue;
      }
      const glued = word.slice(letter + 1);
      if (glued !== '' || optional) given.push([name, glued]);
      else if (args[at + 1] === undefined) throw new Usage(`-${name} needs a value`);
      else given.push([name, args[++at]!]);
      break;
    }
  }
  return {
    given, rest: args.slice(at),
    has: letter => given.some(([name]) => name === letter),
    value: letter => given.findLast(([name]) => name === letter)?.[1],
    values: letter => given.filter(([name]) => name === letter).map(([, value]) => value),
  };
}
