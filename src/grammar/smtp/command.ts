/**
 * SMTP commands as a server reads them (RFC 5321 §4.1, with the parameters of RFC 1870, 3030, 3461, 4954, 6152, 6531, 6533, 8689).
 * Text in, values or the name of the refusal out; whether a command may be given now is the session's business.
 */
import type { Address, Notify, ReversePath } from '../../core/envelope.ts';
import type { RcptOptions } from '../../core/intake.ts';
import type { RefusalName } from '../../core/status.ts';
import { parseAddress, parsePath } from '../address.ts';
import { isAscii } from '../domain.ts';
import { decodeUtf8Address, decodeXtext } from '../xtext.ts';

export interface CommandLine {
  /** Upper case. Commands are not case sensitive (RFC 5321 §2.4). */
  readonly verb: string;
  readonly argument: string;
}

export interface Bad {
  readonly kind: 'bad';
  readonly refusal: RefusalName;
  /** In the peer's reply, so that its author can repair it. */
  readonly text: string;
}

export interface MailCommand {
  readonly kind: 'mail';
  readonly reversePath: ReversePath;
  /** The path had octets above 127 on the wire; an A-label does not. */
  readonly international: boolean;
  readonly parameters: readonly string[];
  readonly sizeOctets?: number;
  readonly body?: '7bit' | '8bitmime' | 'binarymime';
  readonly smtputf8?: true;
  readonly ret?: 'full' | 'hdrs';
  readonly envid?: string;
  /** Wants an answer for each recipient after the content. */
  readonly exdata?: true;
  /** A sender address of its own for each recipient; announced as XVERP. */
  readonly verp?: true;
  /** Announced as XSECURITY; NONE, which demands nothing, leaves it out. */
  readonly security?: 'starttls';
  readonly requireTls?: true;
  /** RFC 4954 §5; null is `AUTH=<>`. */
  readonly auth?: string | null;
}

export interface RcptCommand {
  readonly kind: 'rcpt';
  readonly recipient: Address;
  readonly international: boolean;
  readonly parameters: readonly string[];
  readonly options: RcptOptions;
}

export interface BdatCommand {
  readonly kind: 'bdat';
  readonly octets: number;
  readonly last: boolean;
}

const CONTROL = /[\u0000-\u001f\u007f]/;
const ENVID_CHARS = 100; // RFC 3461 §5.4
const ORCPT_CHARS = 500; // RFC 3461 §5.4
const PLAIN_RCPT: RcptOptions = {};

/** Null when a control character or a broken UTF-8 sequence (seen as U+FFFD) is in the line. */
export function parseCommandLine(line: string): CommandLine | null {
  if (CONTROL.test(line) || line.includes('\ufffd')) return null;
  const blank = line.indexOf(' ');
  // RFC 5321 §4.1.1: blanks before the line's end are tolerated.
  if (blank < 0) return { verb: line.toUpperCase(), argument: '' };
  return { verb: line.slice(0, blank).toUpperCase(), argument: line.slice(blank + 1).trim() };
}

/** The argument of MAIL. */
export function parseMail(argument: string): MailCommand | Bad {
  const start = pathStart(argument, 'FROM:');
  if (start < 0) return bad('syntax', 'Say MAIL FROM:<address>');
  const path = parsePath(argument, start);
  if (path.kind === 'bad') return bad('badSenderAddress', `Bad reverse-path: ${path.why}`);
  const international = !isAscii(argument.slice(start, path.end));
  if (path.end === argument.length) {
    return { kind: 'mail', reversePath: path.address, international, parameters: NONE };
  }
  const parameters = parseParameters(argument.slice(path.end));
  if (!(parameters instanceof Map)) return parameters;
  let command: MailCommand = { kind: 'mail', reversePath: path.address, international, parameters: [...parameters.keys()] };
  for (const [key, value] of parameters) {
    const read = mailParameter(key, value);
    if ('kind' in read) return read;
    command = { ...command, ...read };
  }
  return command;
}

/** The argument of RCPT. */
export function parseRcpt(argument: string): RcptCommand | Bad {
  const start = pathStart(argument, 'TO:');
  if (start < 0) return bad('syntax', 'Say RCPT TO:<address>');
  const path = parsePath(argument, start);
  if (path.kind === 'bad') return bad('badRecipientAddress', `Bad recipient address: ${path.why}`);
  if (path.address === null) return bad('badRecipientAddress', 'Bad recipient address: it is empty');
  const international = !isAscii(argument.slice(start, path.end));
  if (path.end === argument.length) {
    return { kind: 'rcpt', recipient: path.address, international, parameters: NONE, options: PLAIN_RCPT };
  }
  const parameters = parseParameters(argument.slice(path.end));
  if (!(parameters instanceof Map)) return parameters;
  let options: RcptOptions = PLAIN_RCPT;
  for (const [key, value] of parameters) {
    const read = rcptParameter(key, value);
    if ('kind' in read) return read;
    options = { ...options, ...read };
  }
  return { kind: 'rcpt', recipient: path.address, international, parameters: [...parameters.keys()], options };
}

/** The argument of BDAT (RFC 3030 §2): one to twenty digits, since SIZE has no more. */
export function parseBdat(argument: string): BdatCommand | Bad {
  const found = /^(\d{1,20})( +LAST)?$/i.exec(argument);
  if (found === null) return bad('syntax', 'Say BDAT, a number of octets, and LAST at the end');
  return { kind: 'bdat', octets: Number(found[1]), last: found[2] !== undefined };
}

const NONE: readonly string[] = [];

/** QUIRK: blanks after the colon, which many clients and every script by hand send; held by test/dialog/mail.dialog. */
function pathStart(argument: string, word: string): number {
  if (argument.slice(0, word.length).toUpperCase() !== word) return -1;
  let at = word.length;
  while (argument[at] === ' ') at++;
  return at;
}

/** `keyword[=value]` separated by blanks (RFC 5321 §4.1.2), each at most once. */
function parseParameters(text: string): Map<string, string | null> | Bad {
  const parameters = new Map<string, string | null>();
  if (!text.startsWith(' ')) return bad('syntax', 'A blank must follow the address');
  for (const word of text.split(' ')) {
    if (word === '') continue;
    const found = /^([a-z0-9][a-z0-9-]{0,63})(?:=([!-<>-~\u0080-\u{10ffff}]+))?$/iu.exec(word);
    // Our reply repeats the keyword, and a reply line has 512 octets (RFC 5321 §4.5.3.1.5).
    // utf-8-addr-unitext and xtext never hold a bare `=`, `ENVID=` without a value is no value (RFC 5321 §4.1.2).
    if (found === null) return bad('syntax', 'Parameters are KEYWORD or KEYWORD=value');
    const key = (found[1] as string).toUpperCase();
    if (parameters.has(key)) return bad('syntax', `${key} is given twice`);
    parameters.set(key, found[2] ?? null);
  }
  return parameters;
}

type MailParameter = Partial<Omit<MailCommand, 'kind'>>;

function mailParameter(key: string, value: string | null): MailParameter | Bad {
  switch (key) {
    case 'SIZE': // RFC 1870 §3: one to twenty digits
      return value !== null && /^\d{1,20}$/.test(value) ? { sizeOctets: Number(value) } : bad('syntax', 'SIZE is a number');
    case 'BODY':
      return bodyParameter(value);
    case 'EXDATA': // announced as XEXDATA
      return value === null ? { exdata: true } : bad('syntax', 'EXDATA has no value');
    case 'VERP': // announced as XVERP
      return value === null ? { verp: true } : bad('syntax', 'VERP has no value');
    case 'SECURITY': // announced as XSECURITY
      return securityParameter(value);
    case 'REQUIRETLS': // RFC 8689 §2
      return value === null ? { requireTls: true } : bad('syntax', 'REQUIRETLS has no value');
    case 'SMTPUTF8':
      return value === null ? { smtputf8: true } : bad('syntax', 'SMTPUTF8 has no value');
    case 'RET': {
      const ret = value?.toLowerCase();
      return ret === 'full' || ret === 'hdrs' ? { ret } : bad('syntax', 'RET is FULL or HDRS');
    }
    case 'ENVID': {
      const envid = value === null || value.length > ENVID_CHARS ? null : decodeXtext(value);
      // RFC 3461 §4.4: what it decodes to is printable ASCII.
      return envid !== null && /^[ -~]+$/.test(envid) ? { envid } : bad('syntax', `ENVID is at most ${ENVID_CHARS} characters of xtext`);
    }
    case 'AUTH':
      return authParameter(value);
    default:
      return bad('unknownParameter', `${key} is not a parameter of MAIL here`);
  }
}

function bodyParameter(value: string | null): MailParameter | Bad {
  switch ((value ?? '').toUpperCase()) {
    case '7BIT':
      return { body: '7bit' };
    case '8BITMIME':
      return { body: '8bitmime' };
    case 'BINARYMIME': // RFC 3030 §3
      return { body: 'binarymime' };
    default:
      return bad('syntax', 'BODY is 7BIT, 8BITMIME or BINARYMIME');
  }
}

function securityParameter(value: string | null): MailParameter | Bad {
  switch ((value ?? '').toUpperCase()) {
    case 'STARTTLS':
      return { security: 'starttls' };
    case 'NONE':
      return {};
    default:
      return bad('syntax', 'SECURITY is NONE or STARTTLS');
  }
}

function authParameter(value: string | null): MailParameter | Bad {
  if (value === '<>') return { auth: null };
  const mailbox = value === null ? null : decodeXtext(value);
  const address = mailbox === null ? null : parseAddress(mailbox);
  return address === null ? bad('syntax', 'AUTH is a mailbox in xtext, or <>') : { auth: address };
}

function rcptParameter(key: string, value: string | null): RcptOptions | Bad {
  switch (key) {
    case 'NOTIFY':
      return notifyParameter(value);
    case 'ORCPT': {
      const original = value === null || value.length > ORCPT_CHARS ? null : parseOriginal(value);
      return original === null ? bad('syntax', 'ORCPT is type;address in xtext') : { original };
    }
    default:
      return bad('unknownParameter', `${key} is not a parameter of RCPT here`);
  }
}

function notifyParameter(value: string | null): RcptOptions | Bad {
  const words = (value ?? '').toLowerCase().split(',');
  if (words.length === 1 && words[0] === 'never') return { notify: 'never' };
  const conditions: Exclude<Notify, 'never'>[number][] = [];
  for (const word of words) {
    // RFC 3461 §4.1: NEVER stands alone.
    if (word !== 'success' && word !== 'failure' && word !== 'delay') return bad('syntax', 'NOTIFY is NEVER, or a list of SUCCESS, FAILURE, DELAY');
    if (!conditions.includes(word)) conditions.push(word);
  }
  return { notify: conditions };
}

/** `type;address`, decoded (RFC 3461 §4.2); of type utf-8 also `\x{…}` (RFC 6533 §3). Null when malformed. */
function parseOriginal(value: string): string | null {
  const found = /^([a-z0-9!#$%&'*+/?^_`{|}~.-]+);(.+)$/isu.exec(value);
  if (found === null) return null;
  const type = (found[1] as string).toLowerCase();
  const plain = decodeXtext(found[2] as string);
  if (plain === null) return null;
  if (type !== 'utf-8' && !isAscii(plain)) return null;
  const address = type === 'utf-8' ? decodeUtf8Address(plain) : plain;
  // A line break in here would end up in our DSN.
  if (address === null || address === '' || CONTROL.test(address) || address.includes('\ufffd')) return null;
  return `${type};${address}`;
}

/**
 * The name given to HELO or EHLO: any word, since half the world says something that is no domain and
 * RFC 5321 §4.1.4 forbids refusing it for that. Cut and cleaned, because it goes into Received and the log.
 */
export function cleanHelo(argument: string): string {
  return argument.slice(0, HELO_CHARS).replaceAll(/[\s\u0000-\u001f\u007f-\u009f()<>]/g, '_');
}
const HELO_CHARS = 255; // RFC 5321 §4.5.3.1.2

function bad(refusal: RefusalName, text: string): Bad {
  return { kind: 'bad', refusal, text };
}
