/** `esmtpauthclient`: `relay userid password`, our login where a route or a domain asks for one. */
import { parseLines } from '../control-file.ts';
import { settle, type Parsed, type Problem } from '../parsed.ts';

export interface RelayLogin {
  readonly line: number;
  /** The route's text with its port, or the recipient domain when there is no route; lower case. */
  readonly relay: string;
  readonly login: string;
  readonly password: string;
}

/** The password is the rest of the line. A wrong line is never shown: it may hold one. */
export function parseRelayLogins(text: string): Parsed<readonly RelayLogin[]> {
  const problems: Problem[] = [];
  const logins = new Map<string, RelayLogin>();
  const example = 'relay.example.com,587 userid password';
  for (const { line, text: entry } of parseLines(text)) {
    const [, relay, login, password] = /^(\S+)\s+(\S+)\s+(\S.*)$/.exec(entry) ?? [];
    if (relay === undefined || login === undefined || password === undefined) {
      problems.push({ line, what: 'this line is not relay, userid and password', right: example });
      continue;
    }
    const key = relay.toLowerCase();
    const earlier = logins.get(key);
    if (earlier !== undefined) problems.push({ line, what: `a second login for ${relay}, the first is in line ${earlier.line}`, right: 'one line for each relay' });
    logins.set(key, { line, relay: key, login, password });
  }
  return settle([...logins.values()], problems);
}
