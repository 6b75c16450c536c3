/** What is known of each device: its last mail, its last errors, how much it sent. Bounded by the devices there are. */
import type { Outcome } from '../../core/outcome.ts';
import type { DeviceMail, DeviceReport, DeviceStanding } from '../../core/operations.ts';
import type { DeviceRule } from '../../grammar/config/ways-in/devices.ts';
import { formatNetwork } from '../../grammar/config/network.ts';

export interface Ledger {
  /** Devices that are gone are forgotten, new ones begun. */
  use(rules: readonly DeviceRule[]): void;
  seen(name: string, what: NonNullable<DeviceStanding['lastSeen']>): void;
  /** Counts a message that is coming in; false: the limit is reached. */
  reserve(rule: DeviceRule): boolean;
  /** It did not come in after all. */
  giveBack(name: string): void;
  sent(name: string, mail: Omit<DeviceMail, 'outcome'>): void;
  /** An outcome of whatever message; true when it is a device's last one. */
  heard(id: string, outcome: Outcome): boolean;
  wrong(name: string, what: string): void;
  /** True when nobody has heard of this address for a while. */
  stranger(address: string): boolean;
  report(): DeviceReport;
  /** What is written to disk, and read from it: whatever is no ledger is an empty one. */
  save(): string;
}

interface Account {
  messages: number;
  refusals: number;
  hour: Window;
  day: Window;
  lastSeen: DeviceStanding['lastSeen'];
  lastMail: DeviceMail | null;
  errors: { at: number; what: string; times: number }[];
}

interface Window {
  readonly from: number;
  readonly messages: number;
}

const ERRORS_KEPT = 8;
const STRANGERS_KEPT = 20;
/** A stranger that keeps calling is said so often. */
const STRANGER_AGAIN_MS = 3_600_000;
const LONGEST_TEXT = 500;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NEVER: Window = { from: 0, messages: 0 };

export function createLedger(rules: readonly DeviceRule[], saved: string, now: () => number): Ledger {
  const accounts = readSaved(saved);
  const strangers = new Map<string, { address: string; times: number; at: number }>();
  const byMail = new Map<string, string>();
  let known: readonly DeviceRule[] = [];
  use(rules);

  function use(next: readonly DeviceRule[]): void {
    known = next;
    const names = new Set(next.map(({ name }) => name));
    for (const name of accounts.keys()) if (!names.has(name)) accounts.delete(name);
    for (const name of names) if (!accounts.has(name)) accounts.set(name, emptyAccount());
    byMail.clear();
    for (const [name, { lastMail }] of accounts) if (lastMail !== null) byMail.set(lastMail.id, name);
  }

  function on(name: string, change: (account: Account) => void): void {
    const account = accounts.get(name);
    if (account !== undefined) change(account);
  }

  function current(window: Window, lengthMs: number): Window {
    const at = now();
    // A clock that was set back opens a new one, or a limit would hold for ever.
    return at >= window.from && at < window.from + lengthMs ? window : { from: at, messages: 0 };
  }

  function standing(rule: DeviceRule): DeviceStanding {
    const { messages, refusals, hour, day, lastSeen, lastMail, errors } = accounts.get(rule.name) ?? emptyAccount();
    return {
      name: rule.name, networks: rule.networks.map(formatNetwork), messages, refusals,
      hour: { messages: current(hour, HOUR_MS).messages, limit: rule.limits.hour }, day: { messages: current(day, DAY_MS).messages, limit: rule.limits.day },
      lastSeen, lastMail, errors: [...errors],
    };
  }

  return {
    use,
    seen: (name, what) => on(name, account => { account.lastSeen = what; }),
    reserve({ name, limits }) {
      const account = accounts.get(name);
      if (account === undefined) return true;
      const hour = current(account.hour, HOUR_MS);
      const day = current(account.day, DAY_MS);
      if ((limits.hour > 0 && hour.messages >= limits.hour) || (limits.day > 0 && day.messages >= limits.day)) return false;
      account.hour = { ...hour, messages: hour.messages + 1 };
      account.day = { ...day, messages: day.messages + 1 };
      return true;
    },
    giveBack: name => on(name, account => {
      account.hour = { ...account.hour, messages: Math.max(0, account.hour.messages - 1) };
      account.day = { ...account.day, messages: Math.max(0, account.day.messages - 1) };
    }),
    sent: (name, mail) => on(name, account => {
      if (account.lastMail !== null) byMail.delete(account.lastMail.id);
      byMail.set(mail.id, name);
      account.messages++;
      account.lastMail = { ...mail, outcome: null };
    }),
    heard(id, outcome) {
      const account = accounts.get(byMail.get(id) ?? '');
      if (account?.lastMail?.id !== id) return false;
      const said = (outcome.said?.text ?? '').slice(0, LONGEST_TEXT);
      account.lastMail = { ...account.lastMail, outcome: { at: now(), kind: outcome.kind, said } };
      if (outcome.kind === 'failed' || outcome.kind === 'deferred') note(account, `${id} ${outcome.kind}: ${said === '' ? outcome.status : said}`, now());
      return true;
    },
    wrong: (name, what) => on(name, account => {
      account.refusals++;
      note(account, what, now());
    }),
    stranger(address) {
      const before = strangers.get(address);
      strangers.delete(address);
      strangers.set(address, { address, times: (before?.times ?? 0) + 1, at: now() });
      const [oldest] = strangers.keys();
      if (strangers.size > STRANGERS_KEPT && oldest !== undefined) strangers.delete(oldest);
      return before === undefined || now() - before.at >= STRANGER_AGAIN_MS;
    },
    report: () => ({ devices: known.map(standing), strangers: [...strangers.values()].toReversed() }),
    save: () => JSON.stringify({ version: 1, devices: Object.fromEntries(accounts) }),
  };
}

function note(account: Account, what: string, at: number): void {
  const text = what.slice(0, LONGEST_TEXT);
  const [newest] = account.errors;
  if (newest?.what === text) account.errors[0] = { at, what: text, times: newest.times + 1 };
  else account.errors = [{ at, what: text, times: 1 }, ...account.errors].slice(0, ERRORS_KEPT);
}

function emptyAccount(): Account {
  return { messages: 0, refusals: 0, hour: NEVER, day: NEVER, lastSeen: null, lastMail: null, errors: [] };
}

function readSaved(text: string): Map<string, Account> {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    read = null;
  }
  const accounts = new Map<string, Account>();
  if (!isRecord(read) || read['version'] !== 1 || !isRecord(read['devices'])) return accounts;
  for (const [name, one] of Object.entries(read['devices'])) if (isAccount(one)) accounts.set(name, one);
  return accounts;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isAccount(value: unknown): value is Account {
  if (!isRecord(value)) return false;
  const { messages, refusals, hour, day, lastSeen, lastMail, errors } = value;
  return isCount(messages) && isCount(refusals) && isWindow(hour) && isWindow(day) && (lastSeen === null || isSeen(lastSeen)) && (lastMail === null || isMail(lastMail))
    && Array.isArray(errors) && errors.every(one => isRecord(one) && isCount(one['at']) && isCount(one['times']) && typeof one['what'] === 'string');
}

function isSeen(value: unknown): boolean {
  return isRecord(value) && isCount(value['at']) && typeof value['address'] === 'string' && typeof value['helo'] === 'string' && (value['tls'] === null || typeof value['tls'] === 'string');
}

function isMail(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { at, id, from, to, recipients, sizeOctets, outcome } = value;
  if (outcome !== null && !(isRecord(outcome) && isCount(outcome['at']) && typeof outcome['kind'] === 'string' && typeof outcome['said'] === 'string')) return false;
  return isCount(at) && isCount(recipients) && isCount(sizeOctets) && [id, from, to].every(text => typeof text === 'string');
}

function isWindow(value: unknown): boolean {
  return isRecord(value) && isCount(value['from']) && isCount(value['messages']);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
