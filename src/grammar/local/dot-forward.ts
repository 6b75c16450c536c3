/** The language of `.forward`, put into that of `.courier`: addresses, `|program`, files and `:include:`, in quotes or not. */
import { parseAddress } from '../address.ts';

export interface Circumstances {
  /** Whose .forward this is; naming oneself means: deliver here too. */
  readonly own: string;
  /** Where the message has been: it is not sent there again. */
  readonly seen: readonly string[];
}

export interface Followed {
  /** 0: the default delivery follows; 99: this was all. */
  readonly code: 0 | 99;
  /** Instructions, a line each. */
  readonly output: string;
}

const DEEPEST = 10;
const STOP = 99;

/** `read`: null when there is no such file. */
export async function followForwardText(read: (path: string) => Promise<string | null>, { own, seen }: Circumstances): Promise<Followed> {
  const first = await read('.forward');
  if (first === null) return { code: 0, output: '' };
  const lines: string[] = [];
  let here = false;
  const been = new Set(seen.map(fold));
  const visited = new Set<string>();

  async function follow(text: string, depth: number): Promise<void> {
    for (const item of items(text)) {
      const include = /^:include:\s*(\S.*)$/i.exec(item)?.[1];
      if (include !== undefined) {
        if (depth >= DEEPEST || visited.has(include)) continue;
        visited.add(include);
        await follow((await read(include)) ?? '', depth + 1);
      } else if (/^(?:\||\/|\.\/)/.test(item)) {
        lines.push(item);
      } else {
        // sendmail: a backslash says that no alias is looked up again; nobody's is here.
        const address = item.replace(/^\\/, '');
        if (fold(address) === fold(own) || fold(address) === fold(own.split('@')[0] ?? '')) here = true;
        else if (!been.has(fold(address))) lines.push(`&${address}`);
      }
    }
  }
  await follow(first, 0);
  return { code: here ? 0 : STOP, output: lines.map(line => `${line}\n`).join('') };
}

function fold(text: string): string {
  return (parseAddress(text) ?? text).toLowerCase();
}

/** One a line, or several with commas; what is in quotes is one. A program takes the rest of its line. */
function items(text: string): readonly string[] {
  const found: string[] = [];
  for (const whole of text.split(/\r?\n/)) {
    let rest = whole.trim();
    while (rest !== '' && !rest.startsWith('#')) {
      const [taken = '', quoted] = /^"((?:[|/]|\.\/|:include:)(?:\\.|[^"\\])*)"/.exec(rest) ?? [];
      const item = quoted !== undefined ? taken : rest.startsWith('|') ? rest : (/^(?:"(?:\\.|[^"\\])*"|[^,"])+/.exec(rest)?.[0] ?? rest);
      const plain = quoted === undefined ? item.trim() : quoted.replaceAll(/\\(.)/g, '$1');
      if (plain !== '') found.push(plain);
      rest = rest.slice(item.length).replace(/^[\s,]+/, '');
    }
  }
  return found;
}
