/** sendmail's options, older than getopt_long: values may be glued on, and one dash starts long ones. */
import { isEnvid } from '../../../grammar/pickup.ts';
import { Usage } from '../command.ts';

export interface Wish {
  /** What to do: queue a message, speak SMTP, or another command under an old name. */
  mode: 'send' | 'smtp' | 'mailq' | 'newaliases' | 'flush' | 'nothing';
  sender?: string;
  name?: string;
  recipients: string[];
  fromHeader: boolean;
  onlyBcc: boolean;
  dry: boolean;
  verp: boolean;
  notify?: 'never' | ('success' | 'failure' | 'delay')[];
  ret?: 'full' | 'hdrs';
  envid?: string;
  security?: 'starttls';
  /** Of -qR and -qI: which messages. */
  selection?: string[];
}

/** Letters whose value follows when nothing is glued on, and means nothing here. */
const IGNORED_WITH_VALUE = new Set(['A', 'B', 'C', 'd', 'D', 'h', 'L', 'M', 'O', 'o', 'p', 'X']);
/** Those whose value may be missing altogether. */
const VALUE_GLUED_ONLY = new Set(['d', 'o']);
const IGNORED = new Set(['c', 'E', 'em', 'ee', 'ep', 'eq', 'ew', 'G', 'i', 'm', 'U', 'v', 'x']);

export function parseSendmailArguments(args: readonly string[]): Wish {
  const wish: Wish = { mode: 'send', recipients: [], fromHeader: false, onlyBcc: false, dry: false, verp: false };
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    const value = (): string => {
      const glued = arg.slice(2);
      if (glued !== '') return glued;
      const next = args[++at];
      if (next === undefined) throw new Usage(`${arg} needs a value`);
      return next;
    };
    if (arg === '--') {
      wish.recipients.push(...args.slice(at + 1));
      break;
    }
    if (!arg.startsWith('-') || arg === '-') {
      wish.recipients.push(arg);
      continue;
    }
    const word = arg.slice(1);
    const letter = word.charAt(0);
    if (word === 't') wish.fromHeader = true;
    else if (word === 'n') wish.dry = true;
    else if (word === 'bcc') wish.onlyBcc = true;
    else if (word === 'verp') wish.verp = true;
    else if (letter === 'b') wish.mode = modeOf(word);
    else if (letter === 'q') readQueueWish(word, wish);
    else if (letter === 'f' || letter === 'r') wish.sender = value().replace(/^<(.*)>$/, '$1');
    else if (letter === 'F') wish.name = value();
    else if (letter === 'N') wish.notify = parseNotify(value());
    else if (letter === 'R') wish.ret = parseRet(value());
    else if (letter === 'V') wish.envid = parseEnvid(value());
    else if (letter === 'S') readSecurity(value(), wish);
    else if (IGNORED.has(word)) continue;
    else if (IGNORED_WITH_VALUE.has(letter)) {
      if (!VALUE_GLUED_ONLY.has(letter)) value();
    } else throw new Usage(`unknown option ${arg}`);
  }
  return wish;
}

function modeOf(word: string): Wish['mode'] {
  switch (word) {
    case 'bm':
      return 'send';
    case 'bs':
      return 'smtp';
    case 'bp':
      return 'mailq';
    case 'bi':
      return 'newaliases';
    case 'bh':
    case 'bH':
      // There is no persistent host status to print or purge.
      return 'nothing';
    case 'bd':
    case 'bD':
      throw new Usage('the gateway is started by: posthorn start');
    default:
      throw new Usage(`there is no mode -${word} here`);
  }
}

/** `-q` runs the queue now, `-qI`, `-qR` a part of it; `-q30m` is a daemon's, and the gateway keeps its own timetable. */
function readQueueWish(word: string, wish: Wish): void {
  const text = word.slice(1);
  if (/^(?:\d+[smhdw]?)+$/.test(text) || text.startsWith('p')) {
    wish.mode = 'nothing';
    return;
  }
  wish.mode = 'flush';
  if (text === '' || text === 'f') return;
  if (text.startsWith('I') && text.length > 1) wish.selection = [text.slice(1)];
  else if (text.startsWith('R') && text.length > 1) wish.selection = ['--domain', text.slice(1).replace(/^.*@/, '')];
  else throw new Usage(`-${word} is not understood; -q, -qIQID and -qRDOMAIN are`);
}

/** Courier's SECURITY: STARTTLS demands TLS of every hop, or the mail fails. What is neither word is not guessed at. */
function readSecurity(text: string, wish: Wish): void {
  if (/^starttls$/i.test(text)) wish.security = 'starttls';
  else if (/^none$/i.test(text)) delete wish.security;
  else throw new Usage(`-S takes NONE or STARTTLS; not ${text}`);
}

/** Only the first letter of each word counts, and N overrides (courier sendmail(1)). */
function parseNotify(text: string): 'never' | ('success' | 'failure' | 'delay')[] {
  const letters = text.split(',').map(word => word.trim().charAt(0).toLowerCase());
  if (letters.includes('n')) return 'never';
  const words = { s: 'success', f: 'failure', d: 'delay' } as const;
  return letters.map(letter => {
    if (letter !== 's' && letter !== 'f' && letter !== 'd') throw new Usage(`-N takes never, or success, fail and delay joined by commas; not ${text}`);
    return words[letter];
  });
}

function parseRet(text: string): 'full' | 'hdrs' {
  if (/^f/i.test(text)) return 'full';
  if (/^h/i.test(text)) return 'hdrs';
  throw new Usage(`-R takes full or hdrs; not ${text}`);
}

function parseEnvid(text: string): string {
  if (isEnvid(text)) return text;
  throw new Usage('-V takes at most 100 printable ASCII characters');
}

/** What mail of this machine wants when its caller does not say (courier submit(8)). A word that is not understood asks for nothing. */
export function wishesOf(environment: Readonly<Record<string, string | undefined>>): Pick<Wish, 'notify' | 'ret' | 'envid'> {
  return { ...understood('notify', environment['DSNNOTIFY'], parseNotify), ...understood('ret', environment['DSNRET'], parseRet), ...understood('envid', environment['DSNENVID'], parseEnvid) };
}

function understood<K extends string, V>(name: K, text: string | undefined, parse: (text: string) => V): Partial<Record<K, V>> {
  if (text === undefined || text === '') return {};
  try {
    return { [name]: parse(text) } as Record<K, V>;
  } catch {
    return {};
  }
}
