/**
 * A message left for the gateway by a program of this machine: one line of JSON with its envelope, then the message.
 * Anybody may have written it, so nothing of it is taken on trust.
 */
import type { Notify } from '../core/envelope.ts';
import type { RcptOptions } from '../core/intake.ts';

export interface PickupEnvelope {
  /** '' is <>. */
  readonly reversePath: string;
  readonly recipients: readonly string[];
  readonly notify?: Notify;
  readonly ret?: 'full' | 'hdrs';
  readonly envid?: string;
  readonly security?: 'starttls';
  readonly verp?: true;
  /** Wishes recipient by recipient, in their order; null: `notify` holds. */
  readonly wishes?: readonly (RcptOptions | null)[];
}

const VERSION = 1;
/** A line longer than this is no envelope. */
export const ENVELOPE_OCTETS = 1024 * 1024;
export const PICKUP_RECIPIENTS = 10_000;
const TEXT = 1000;

export function formatPickup(envelope: PickupEnvelope): string {
  return `${JSON.stringify({ posthorn: VERSION, ...envelope })}\n`;
}

/** Null when it is not of our making. */
export function parsePickup(line: string): PickupEnvelope | null {
  let read: unknown;
  try {
    read = JSON.parse(line);
  } catch {
    return null;
  }
  if (!isRecord(read) || read['posthorn'] !== VERSION) return null;
  const { reversePath, recipients, notify, ret, envid, security, verp, wishes } = read;
  if (!isText(reversePath) || !Array.isArray(recipients) || recipients.length === 0 || recipients.length > PICKUP_RECIPIENTS || !recipients.every(isText)) return null;
  if ((notify !== undefined && !isNotify(notify)) || (ret !== undefined && ret !== 'full' && ret !== 'hdrs') || (envid !== undefined && !(isText(envid) && isEnvid(envid)))) return null;
  // What demands more than we know how to keep must not go out with less.
  if ((security !== undefined && security !== 'starttls') || (verp !== undefined && verp !== true)) return null;
  const wished = wishes === undefined ? undefined : readWishes(wishes, recipients.length);
  if (wished === null) return null;
  return {
    reversePath, recipients,
    ...(notify === undefined ? {} : { notify }), ...(ret === undefined ? {} : { ret }), ...(envid === undefined ? {} : { envid }), ...(security === undefined ? {} : { security }), ...(verp === undefined ? {} : { verp }), ...(wished === undefined ? {} : { wishes: wished }),
  };
}

/** What MAIL would take (RFC 3461 §5.4). */
export function isEnvid(text: string): boolean {
  return /^[ -~]{1,100}$/.test(text);
}

function readWishes(wishes: unknown, count: number): readonly (RcptOptions | null)[] | null {
  if (!Array.isArray(wishes) || wishes.length !== count) return null;
  const read: (RcptOptions | null)[] = [];
  for (const wish of wishes as readonly unknown[]) {
    if (wish === null) {
      read.push(null);
      continue;
    }
    if (!isRecord(wish)) return null;
    const { notify, original } = wish;
    if ((notify !== undefined && !isNotify(notify)) || (original !== undefined && !(isText(original) && /^[!-~]+;[^\p{Cc}]+$/u.test(original)))) return null;
    read.push({ ...(notify === undefined ? {} : { notify }), ...(original === undefined ? {} : { original }) });
  }
  return read;
}

function isNotify(value: unknown): value is Notify {
  return value === 'never' || (Array.isArray(value) && value.length > 0 && value.every(one => one === 'success' || one === 'failure' || one === 'delay'));
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= TEXT;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
