/** Stands before the intake for devices: who they are, what they may, what becomes of what they write. */
import type { Clock } from '../../core/clock.ts';
import type { Origin } from '../../core/envelope.ts';
import type { Intake } from '../../core/intake.ts';
import type { Kernels } from '../../core/kernels.ts';
import type { Log, LogFields } from '../../core/log.ts';
import type { DeviceReport } from '../../core/operations.ts';
import type { Outcome } from '../../core/outcome.ts';
import type { Admission, Variables } from '../../core/policy.ts';
import { refuse, type Refusal } from '../../core/status.ts';
import type { DeviceRule } from '../../grammar/config/ways-in/devices.ts';
import { nodeFileSystem } from '../../kit/file/durable-file.ts';
import { tlsVersions } from '../../grammar/config/tls-version.ts';
import { createLedger } from './ledger.ts';
import { openLedgerFile, readLedgerFile } from './ledger-file.ts';
import { createDeviceTable } from './table.ts';
import { DeviceTransaction } from './transaction.ts';

export interface DeviceDesk {
  /** For their listener. */
  readonly intake: Intake;
  readonly admission: Admission;
  /** The listener's log: what it says of a device is remembered. */
  readonly log: Log;
  /** Of each message's outcomes, whosever it is. */
  heard(id: string, outcome: Outcome): void;
  report(): DeviceReport;
  use(settings: DeviceSettings): void;
  close(): Promise<void>;
}

export interface DeviceSettings {
  readonly rules: readonly DeviceRule[];
  /** Where a name without a domain is at home. */
  readonly defaultDomain: string;
  /** Of the listener; 0: none. */
  readonly sizeOctets: number;
}

export interface DeviceDeskOptions {
  readonly settings: DeviceSettings;
  /** The intake behind; what holds for one of these devices it is told by `variables`. */
  intake(variables: (origin: Origin) => Variables): Intake;
  /** Where it is remembered. */
  readonly folder: string;
  readonly kernels: Pick<Kernels, 'openScan'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** A network of devices may be wide. */
const SPEAKERS_KEPT = 10_000;
const NO_VARIABLES: Variables = new Map();
/** Closed without a word: whoever is no device does not learn that here is a server. */
const silence: Refusal = refuse('accessDenied', { text: '' });

export async function openDeviceDesk(options: DeviceDeskOptions): Promise<DeviceDesk> {
  const { clock, log, kernels } = options;
  let settings = options.settings;
  let table = createDeviceTable(settings.rules);
  const ledger = createLedger(settings.rules, await readLedgerFile(options.folder), () => clock.now());
  const file = openLedgerFile({ folder: options.folder, files: nodeFileSystem, ledger, clock, log });
  const inner = options.intake(origin => {
    const rule = find(origin);
    return rule === null ? NO_VARIABLES : variablesOf([rule], settings);
  });
  /** Whose session speaks from an address; a line of the log has no other mark. */
  const speakers = new Map<string, string>();

  function find({ remoteAddress = '', helo }: Origin): DeviceRule | null {
    return table.find(remoteAddress, helo);
  }

  function admit({ remoteAddress }: { readonly remoteAddress: string }): ReturnType<Admission['admit']> {
    const rules = table.at(remoteAddress);
    const [only, other] = rules;
    if (only !== undefined) {
      // Whether it says more than that it is there is known at MAIL.
      if (other === undefined) ledger.seen(only.name, { at: clock.now(), address: remoteAddress, helo: '', tls: null });
      file.soon();
      return { kind: 'admitted', variables: variablesOf(rules, settings) };
    }
    if (ledger.stranger(remoteAddress)) log.info('error', { relay: remoteAddress, why: 'turned away: this is no address of a device' });
    return silence;
  }

  function open(origin: Origin, more?: Parameters<Intake['open']>[1]): ReturnType<Intake['open']> {
    const rule = find(origin);
    if (rule === null) return refuse('accessDenied', { text: 'This device is not known here', why: `no device at ${origin.remoteAddress ?? ''} calls itself ${origin.helo ?? ''}` });
    const address = origin.remoteAddress ?? '';
    if (speakers.size >= SPEAKERS_KEPT) speakers.clear();
    speakers.set(address, rule.name);
    ledger.seen(rule.name, { at: clock.now(), address, helo: origin.helo ?? '', tls: origin.tls?.version ?? null });
    file.soon();
    const refusal = tlsRefusal(rule, origin);
    if (refusal !== null) return refusal;
    const opened = inner.open({ ...origin, source: 'submission', relayClient: '' }, more);
    const wrap = (transaction: Awaited<typeof opened>) => (transaction.kind === 'refused' ? transaction : new DeviceTransaction(rule, transaction, { kernels, ledger, changed: file.soon, now: () => clock.now(), defaultDomain: settings.defaultDomain }));
    return opened instanceof Promise ? opened.then(wrap) : wrap(opened);
  }

  function note(event: string, fields: LogFields = {}): void {
    const { relay, reply, why } = fields;
    if (event !== 'error' || typeof relay !== 'string') return;
    const name = speakers.get(relay) ?? table.at(relay)[0]?.name;
    if (name === undefined) return;
    ledger.wrong(name, [reply, why].filter(text => typeof text === 'string').join(': '));
    file.soon();
  }

  return {
    intake: { open },
    admission: { admit },
    log: {
      info(event, fields) {
        note(event, fields);
        log.info(event, fields);
      },
      warn: (event, fields) => log.warn(event, fields),
      error: (event, fields) => log.error(event, fields),
    },
    heard(id, outcome) {
      if (ledger.heard(id, outcome)) file.soon();
    },
    report: () => ledger.report(),
    use(next) {
      settings = next;
      table = createDeviceTable(next.rules);
      ledger.use(next.rules);
      speakers.clear();
      file.soon();
    },
    close: () => file.close(),
  };
}

/** While nothing runs: what was remembered. */
export async function restingReport(rules: readonly DeviceRule[], folder: string, now: () => number): Promise<DeviceReport> {
  return createLedger(rules, await readLedgerFile(folder), now).report();
}

/** For all that a connection may turn out to be; each device's own limits are asked again when it is known. */
function variablesOf(rules: readonly DeviceRule[], { sizeOctets }: DeviceSettings): Variables {
  const hidden = new Set(rules.flatMap(rule => [
    ...rule.hidden,
    ...(rule.oldestTls === null ? ['STARTTLS', 'XSECURITY'] : []),
    // Counted octets and mended lines do not go together.
    ...(rule.bareLf ? ['CHUNKING', 'BINARYMIME'] : []),
  ]));
  const sizes = rules.map(rule => rule.sizeOctets ?? sizeOctets);
  return new Map([
    ['RELAYCLIENT', ''],
    // A printer's sender is whatever was typed into it years ago.
    ['BOFHCHECKDNS', '0'],
    ['SIZELIMIT', String(sizes.includes(0) ? 0 : Math.max(...sizes))],
    ...(rules.length === 1 ? [['DEVICE', rules[0]?.name ?? ''] as const] : []),
    ...(rules.some(rule => rule.bareLf) ? [['DEVICE_BARE_LF', '1'] as const] : []),
    ...(hidden.size === 0 ? [] : [['DEVICE_HIDE', [...hidden].join(',')] as const]),
  ]);
}

function tlsRefusal({ name, plain, oldestTls }: DeviceRule, { tls }: Origin): Refusal | null {
  if (tls === undefined) return plain ? null : refuse('tlsRequired', { why: `device ${name} has plain=no` });
  const spoken = tlsVersions.findIndex(version => version === tls.version);
  const oldest = oldestTls === null ? tlsVersions.length : tlsVersions.indexOf(oldestTls);
  return spoken >= oldest ? null : refuse('deviceTls', { why: `device ${name} spoke ${tls.version}` });
}
