/**
 * What the gateway asks of the deputy, and what it answers: a JSON object in a line each; the request is
 * followed by as many octets as it says. Both sides read the other's lines as a stranger's.
 */
import type { Address } from '../../core/envelope.ts';
import type { Outcome } from '../../core/outcome.ts';
import { parseAddress } from '../address.ts';

export interface DeliveryRequest {
  /** A user of the system; who that is, the deputy finds out for itself. */
  readonly login: string;
  readonly recipient: Address;
  /** '' is the null sender. */
  readonly sender: string;
  readonly extension: string;
  readonly octets: number;
}

export interface DeliveryDone {
  readonly outcome: Outcome;
  readonly forwards: readonly string[];
}

export const LONGEST_LINE = 256 * 1024;
const LONGEST_TEXT = 1000;
const LONGEST_SAID = 8192;
const MOST_FORWARDS = 1000;
// Nothing that useradd(8) would take and getent(1) could read as an option or a number.
const LOGIN = /^[a-z_][a-z0-9_.-]{0,63}$/;

export function formatDeliveryRequest(request: DeliveryRequest): string {
  return `${JSON.stringify(request)}\n`;
}

/** Null: this is none. */
export function parseDeliveryRequest(line: string): DeliveryRequest | null {
  const found = parseObject(line);
  if (found === null) return null;
  const { login, recipient, sender, extension, octets } = found;
  if (typeof login !== 'string' || !LOGIN.test(login)) return null;
  if (!isText(recipient) || !isText(sender) || !isText(extension) || extension.includes('/')) return null;
  const to = parseAddress(recipient);
  const from = sender === '' ? '' : parseAddress(sender);
  if (to === null || from === null || typeof octets !== 'number' || !Number.isSafeInteger(octets) || octets < 0) return null;
  return { login, recipient: to, sender: from, extension, octets };
}

export function formatDeliveryDone(done: DeliveryDone): string {
  return `${JSON.stringify(done)}\n`;
}

export function parseDeliveryDone(line: string): DeliveryDone | null {
  const found = parseObject(line);
  const outcome = found === null ? null : parseOutcome(found['outcome']);
  const forwards: unknown = found?.['forwards'];
  if (outcome === null || !Array.isArray(forwards) || forwards.length > MOST_FORWARDS) return null;
  const addresses: string[] = [];
  for (const one of forwards as readonly unknown[]) {
    if (!isText(one)) return null;
    addresses.push(one);
  }
  return { outcome, forwards: addresses };
}

/** Only what a local delivery can end with. */
function parseOutcome(value: unknown): Outcome | null {
  if (!isObject(value)) return null;
  const { kind, status, said } = value;
  if (typeof status !== 'string' || !isObject(said) || typeof said['text'] !== 'string') return null;
  const text = said['text'].slice(0, LONGEST_SAID);
  const [, digit, rest] = /^([245])(\.[0-7]\.\d{1,3})$/.exec(status) ?? [];
  if (rest === undefined) return null;
  const spoken = { type: 'x-unix', text } as const;
  if (kind === 'delivered' && digit === '2') return { kind, status: '2.0.0', said: spoken };
  if (kind === 'failed' && digit === '5') return { kind, status: status as `5.0.${number}`, said: spoken };
  const blame = value['blame'];
  if (kind === 'deferred' && digit === '4' && (blame === 'recipient' || blame === 'nexthop' || blame === 'message')) return { kind, status: status as `4.0.${number}`, blame, said: spoken };
  return null;
}

function parseObject(line: string): Readonly<Record<string, unknown>> | null {
  if (line.length > LONGEST_LINE) return null;
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= LONGEST_TEXT && !/[\u0000-\u001f\u007f]/.test(value);
}
