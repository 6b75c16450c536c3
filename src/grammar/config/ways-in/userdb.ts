/** `userdb`: `name TAB field=value|field=value`, one account a line. Lines `uid= TAB name` point back and are skipped. */
import { parseLines } from '../control-file.ts';
import { foldDomain } from '../domain-list.ts';
import type { Problem } from '../parsed.ts';

export interface UserRecord {
  readonly line: number;
  /** Folded, as foldLogin() has it. */
  readonly name: string;
  readonly fields: ReadonlyMap<string, string>;
}

export interface Userdb {
  /** The good lines; a wrong one takes nobody else's account away. */
  readonly records: readonly UserRecord[];
  readonly problems: readonly Problem[];
}

const example = 'user@example.com<TAB>esmtppw=$6$salt$hash|home=/var/mail/user';

/** One spelling of a login: the same account whatever its case and whichever form its domain has. */
export function foldLogin(login: string): string {
  const at = login.lastIndexOf('@');
  if (at < 0) return login.normalize('NFC').toLowerCase();
  return `${login.slice(0, at).normalize('NFC').toLowerCase()}@${foldDomain(login.slice(at + 1))}`;
}

/** Wrong lines are never shown: they may hold a password. */
export function parseUserdb(text: string): Userdb {
  const problems: Problem[] = [];
  const records = new Map<string, UserRecord>();
  for (const { line, text: entry } of parseLines(text)) {
    const [, name = '', rest] = /^(\S+)\s+(\S.*)$/.exec(entry) ?? [];
    if (name.endsWith('=')) continue;
    const fields = rest === undefined ? undefined : parseFields(rest);
    const folded = foldLogin(name);
    const earlier = records.get(folded);
    if (fields === undefined) problems.push({ line, what: 'this line is not a name and its fields', right: example });
    else if (earlier !== undefined) problems.push({ line, what: `a second account of that name, the first is in line ${earlier.line}`, right: 'one line for each account' });
    else records.set(folded, { line, name: folded, fields });
  }
  return { records: [...records.values()], problems };
}

/** No password ever fits: how crypt(3)'s users switch an account off. */
export function isLocked(stored: string): boolean {
  return stored === '' || stored === 'x' || /^[!*]/.test(stored);
}

/** Whether a stored password has a form that the gateway can compare. */
export function isKnownForm(stored: string): boolean {
  return isLocked(stored) || knownForm.test(stored);
}

const knownForm =
  /^(SCRAM-SHA-(1|256)\$|\{SCRAM-SHA-(1|256)\}|\{(PLAIN|MD5|MD5RAW|SHA|SHA256|SHA512|SSHA|SCRYPT|ARGON2)\}|(\{CRYPT\})?\$(1|5|6|argon2id|argon2i|argon2d)\$)/i;

function parseFields(text: string): ReadonlyMap<string, string> | undefined {
  const fields = new Map<string, string>();
  for (const item of text.split('|').filter((part) => part !== '')) {
    const [, name, value = ''] = /^([A-Za-z][\w-]*)(?:=(.*))?$/s.exec(item) ?? [];
    if (name === undefined) return undefined;
    fields.set(name, value);
  }
  return fields;
}
