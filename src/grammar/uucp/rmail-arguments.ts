/**
 * rmail's command line, both ways. Out: an address becomes an argument only when no uux, no uuxqt and no shell behind
 * them can read anything else in it. In: options as Courier's rmail has them; everything else is a recipient.
 */

/** No blank, no quote, nothing that means something to a shell of 1978 or later, and no leading dash. */
const SAFE = /^[A-Za-z0-9_.+=/:,@%!][A-Za-z0-9_.+=/:,@%!-]{0,500}$/;

export function isSafeArgument(text: string): boolean {
  return SAFE.test(text);
}

/** Exclamation marks are uux's own but in parentheses, which it takes off (fax-uucp-socks 5.3). */
export function protectedArgument(text: string): string {
  return `(${text})`;
}

export interface RmailCall {
  readonly kind: 'call';
  /** Absent: the From_ lines say it. '' is <>. */
  readonly sender?: string;
  readonly recipients: readonly string[];
  readonly verp: boolean;
  readonly notify?: 'never' | readonly ('success' | 'failure' | 'delay')[];
  readonly ret?: 'full' | 'hdrs';
  readonly envid?: string;
}

const MOST_RECIPIENTS = 5000;
const CONDITIONS: Readonly<Record<string, 'success' | 'failure' | 'delay'>> = { s: 'success', f: 'failure', d: 'delay' };

export function parseRmailArguments(args: readonly string[]): RmailCall | { readonly kind: 'bad'; readonly why: string } {
  let call: RmailCall = { kind: 'call', recipients: [], verp: false };
  const recipients: string[] = [];
  let at = 0;
  for (; at < args.length; at++) {
    const arg = args[at] as string;
    if (!arg.startsWith('-')) break;
    if (arg === '--') {
      at++;
      break;
    }
    const letter = arg.slice(0, 2);
    if (arg === '-verp') call = { ...call, verp: true };
    // What other programs' rmail is told about queueing and headers is nothing to us (Courier ignores -o and -t).
    else if (letter === '-o' || letter === '-t') continue;
    else if (letter === '-f' || letter === '-N' || letter === '-R' || letter === '-V') {
      const value = arg.length > 2 ? arg.slice(2) : args[++at];
      if (value === undefined) return bad(`${letter} needs a value`);
      const read = option(letter, value);
      if (typeof read === 'string') return bad(read);
      call = { ...call, ...read };
    } else return bad(`there is no option ${arg}`);
  }
  recipients.push(...args.slice(at).map(withoutWrapping).filter(one => one !== ''));
  if (recipients.length === 0) return bad('no recipients');
  if (recipients.length > MOST_RECIPIENTS) return bad(`more than ${MOST_RECIPIENTS} recipients`);
  return { ...call, recipients };
}

function option(letter: string, value: string): Partial<RmailCall> | string {
  switch (letter) {
    case '-f':
      return { sender: withoutWrapping(value) };
    case '-N': {
      const letters = value.split(',').map(word => word.trim().charAt(0).toLowerCase());
      if (letters.includes('n')) return { notify: 'never' };
      const notify = letters.flatMap(one => CONDITIONS[one] ?? []);
      return notify.length === letters.length ? { notify } : '-N takes never, or success, failure and delay joined by commas';
    }
    case '-R':
      return /^[fh]/i.test(value) ? { ret: /^f/i.test(value) ? 'full' : 'hdrs' } : '-R takes full or hdrs';
    default:
      return /^[!-~]{1,100}$/.test(value) ? { envid: value } : '-V takes an envelope id';
  }
}

/** Parentheses arrive when something else than uux took the command over (fax-uucp-socks 7.12). */
function withoutWrapping(text: string): string {
  const inner = /^\((.*)\)$/s.exec(text)?.[1] ?? text;
  return /^<(.*)>$/s.exec(inner)?.[1] ?? inner;
}

function bad(why: string): { readonly kind: 'bad'; readonly why: string } {
  return { kind: 'bad', why };
}
