/** Users of this system, as getent(1) tells of them: whatever the name service switch knows, and no native code for it. */
import type { Account, AuthAnswer, AuthBackend } from '../../core/auth.ts';
import type { Clock } from '../../core/clock.ts';
import { parsePasswdLine } from '../../grammar/local/passwd.ts';
import { runProgram, type Ran } from '../../kit/run-program.ts';

export interface SystemUsersOptions {
  readonly clock: Clock;
  /** Whether they have mailboxes at all, as configured now. */
  enabled(): boolean;
  /** For tests: what getent would say. */
  ask?(login: string): Promise<Ran>;
}

const TIMEOUT_MS = 10_000;
const REMEMBERED_MS = 60_000;
const MOST_REMEMBERED = 1000;
const GETENT = '/usr/bin/getent';
/** getent(1): the key is not there. */
const NO_SUCH_KEY = 2;
const LOGIN = /^[a-z_][a-z0-9_.-]{0,63}$/;

const rejected: AuthAnswer = { kind: 'rejected' };

export function createSystemUsers({ clock, enabled, ask = askGetent }: SystemUsersOptions): AuthBackend {
  const remembered = new Map<string, { readonly until: number; readonly answer: AuthAnswer }>();

  async function find(login: string): Promise<AuthAnswer> {
    if (!enabled() || !LOGIN.test(login)) return rejected;
    const known = remembered.get(login);
    if (known !== undefined && clock.now() < known.until) return known.answer;
    const answer = read(login, await ask(login));
    if (answer.kind !== 'unavailable') {
      remembered.delete(login);
      remembered.set(login, { until: clock.now() + REMEMBERED_MS, answer });
      const [oldest] = remembered.keys();
      if (remembered.size > MOST_REMEMBERED && oldest !== undefined) remembered.delete(oldest);
    }
    return answer;
  }
  // Their passwords are PAM's to know.
  return { name: 'system', verify: () => Promise.resolve(rejected), find };
}

function read(login: string, ran: Ran): AuthAnswer {
  if (ran.kind !== 'exited') return { kind: 'unavailable', why: `getent cannot be asked (${ran.kind})` };
  if (ran.code === NO_SUCH_KEY) return rejected;
  if (ran.code !== 0) return { kind: 'unavailable', why: `getent ended with ${ran.code}` };
  const user = parsePasswdLine(ran.stdout.split('\n')[0] ?? '');
  if (user === null || user.login !== login) return rejected;
  const account: Account = { login, home: user.home, owner: { uid: user.uid, gid: user.gid }, options: new Map() };
  return { kind: 'accepted', account };
}

export function askGetent(login: string): Promise<Ran> {
  return runProgram(GETENT, ['passwd', '--', login], { signal: new AbortController().signal, timeoutMs: TIMEOUT_MS, environment: { PATH: '/usr/bin:/bin', LC_ALL: 'C' } });
}
