/**
 * Courier's control file, as a filter reads it: a record a line, its first character the type. What belongs to a
 * recipient stands in the order r, R, N. Recipients past the batch size go to further files with the same head.
 */
import type { Envelope, Notify, Origin, Recipient } from '../../core/envelope.ts';
import type { Variables } from '../../core/policy.ts';
import { encodeXtext } from '../xtext.ts';

export interface ControlFacts {
  readonly id: string;
  readonly envelope: Envelope;
  readonly recipients: readonly Recipient[];
  readonly variables: Variables;
  readonly header8bit: boolean;
  readonly body8bit: boolean;
  /** When delivery is given up and when the sender is warned; seconds since the epoch. */
  readonly expires: number;
  readonly faxExpires: number;
  readonly warns: number;
}

/** One text a file; never none. */
export function formatControlFiles(facts: ControlFacts, batchSize: number): readonly string[] {
  const files: string[] = [];
  for (let from = 0; from === 0 || from < facts.recipients.length; from += batchSize) {
    files.push(`${head(facts)}${facts.recipients.slice(from, from + batchSize).map(recipientRecords).join('')}${tail(facts)}`);
  }
  return files;
}

function head({ envelope }: ControlFacts): string {
  const { origin, ret, envid } = envelope;
  return [
    record('s', envelope.reversePath ?? ''),
    record('f', fromMta(origin)),
    envid === undefined ? '' : record('e', encodeXtext(envid)),
    ret === undefined ? '' : record('t', ret === 'full' ? 'F' : 'H'),
    origin.login === undefined ? '' : record('i', origin.login),
    record('u', sourceTag(origin)),
  ].join('');
}

function recipientRecords({ address, original, notify }: Recipient): string {
  return record('r', address) + record('R', original ?? '') + record('N', notify === undefined ? '' : notifyLetters(notify));
}

function tail({ id, envelope, variables, header8bit, body8bit, expires, faxExpires, warns }: ControlFacts): string {
  const environment = ['RELAYCLIENT', 'TCPREMOTEIP'].map(name => {
    const value = name === 'TCPREMOTEIP' ? envelope.origin.remoteAddress : (envelope.origin.relayClient ?? variables.get(name));
    return value === undefined ? '' : record('O', `${name}=${value}`);
  });
  return [
    ...environment,
    body8bit ? record('8', '') : '',
    header8bit ? record('m', '') : '',
    record('E', String(expires)), record('p', String(faxExpires)), warns > 0 ? record('W', String(warns)) : '',
    record('M', id),
  ].join('');
}

/** `dns; helo (host [address])`, as RFC 3464 §2.2.5 names who gave us the message. */
export function fromMta(origin: Origin): string {
  if (origin.remoteAddress === undefined) return 'dns; localhost (localhost [127.0.0.1])';
  const name = origin.remoteName === undefined ? '' : `${origin.remoteName} `;
  return `dns; ${origin.helo ?? 'unknown'} (${name}[${origin.remoteAddress}])`;
}

/** As Courier has it; of a report: what it is about, and `/dsn` (courier-core 2.4). */
export function sourceTag({ source, login, relayClient, about }: Origin): string {
  if (source === 'dsn') return about === undefined ? source : `${about}/dsn`;
  if (source === 'esmtp' || source === 'submission') return login !== undefined || relayClient !== undefined ? 'authsmtp' : 'smtp';
  return source;
}

function notifyLetters(notify: Notify): string {
  return notify === 'never' ? 'N' : notify.map(condition => condition.charAt(0).toUpperCase()).join('');
}

/** What a peer said can never begin a record of its own. */
function record(type: string, text: string): string {
  return `${type}${text.replaceAll(/[\u0000-\u001f\u007f]/g, '_')}\n`;
}
