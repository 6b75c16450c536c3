/** What a modem says it is, and what is wrong with it, for people: `posthorn fax probe` and `fax status`. */
import { stat } from 'node:fs/promises';
import type { Clock } from '../src/core/clock.ts';
import type { DialectName } from './modem/dialects.ts';
import { lockHolder } from './modem/lock-file.ts';
import { openSerialPort } from './modem/serial-port.ts';
import { openSession, type NoSession } from './modem/session.ts';
import type { ModemSettings } from './modem/settings.ts';
import type { Modem } from './modem/start-up.ts';
import type { OpenWire } from './modem/wire.ts';

export interface Probe {
  readonly name: string;
  readonly device: string;
  readonly works: boolean;
  /** Plain lines: what it is, what it can do. */
  readonly found: readonly string[];
  /** Plain lines: what is wrong, and what to try. */
  readonly problems: readonly string[];
}

const ASK_MS = 5000;
const GOOD_RATES = ['2400', '4800', '7200', '9600', '12000', '14400'];

export async function probeModem(settings: ModemSettings, clock: Clock, signal: AbortSignal, openWire: OpenWire = openSerialPort): Promise<Probe> {
  const session = await openSession(settings, { clock, openWire }, signal);
  const about = { name: settings.name, device: settings.device };
  if (session.kind !== 'session') return { ...about, works: false, found: [], problems: advice(session, settings) };
  try {
    return { ...about, works: true, ...(await examine(session.modem, signal)) };
  } finally {
    await session.close();
  }
}

async function examine(modem: Modem, signal: AbortSignal): Promise<Pick<Probe, 'found' | 'problems'>> {
  const { talk, identity, classes, dialect, profile, settings } = modem;
  const ask = async (text: string): Promise<string | null> => {
    const answer = await talk.command(text, { ms: ASK_MS, signal });
    return answer.end === 'ok' ? [...answer.text, ...answer.reports.values()].join(' ') : null;
  };
  const found = [
    `identity:   ${identity === '' ? '(it does not say)' : identity}`,
    `classes:    ${classes.join(', ')}; class ${dialect.name} is used`,
    `profile:    ${profile.name}`,
    `speed:      ${settings.baud} bit/s to the modem, ${settings.flow} flow control`,
  ];
  const problems: string[] = [];
  const able = await ask(`${dialect.capabilities}=?`);
  if (able !== null) {
    found.push(`can do:     ${describe(able)}`);
    if (!/^\s*\(?0[,-]1|^\s*\(0,1/.test(able)) problems.push('It does not offer fine resolution: pages will be sent at 98 rows an inch.');
  }
  const answers = await ask('+FCR=1');
  if (answers === null) problems.push('It refuses AT+FCR=1: it may not be able to receive.');
  const adaptive = await ask('+FAA=1');
  found.push(`adaptive:   ${adaptive === null ? 'no: it takes faxes only' : 'yes: data calls and faxes are told apart'}`);
  const flow = await ask(dialect.name === '2.0' ? `+FLO=${settings.flow === 'hardware' ? 2 : 1}` : profile.flow[settings.flow]);
  if (flow === null) problems.push(`It refuses its flow control command (${dialect.name === '2.0' ? '+FLO' : profile.flow[settings.flow]}). Pages are paced by the line's speed all the same; try another profile= or init=.`);
  const other: DialectName = dialect.name === '2' ? '2.0' : '2';
  if (classes.includes(other)) found.push(`also:       class ${other} (class=${other} in faxmodems, should class ${dialect.name} misbehave)`);
  if (classes.includes('1') && !classes.includes('2') && !classes.includes('2.0')) problems.push('It has class 1 only, where the computer does the T.30 protocol itself: not supported.');
  if (settings.stationId === '') problems.push('No STATION_ID is set in faxout: the other side sees no number.');
  await ask('+FCLASS=0');
  return { found, problems };
}

/** `(0,1),(0-5),…` in words. */
function describe(able: string): string {
  const [vertical = '', rates = ''] = able.match(/\([^)]*\)/g) ?? [];
  const top = Math.max(0, ...(rates.match(/\d+/g) ?? []).map(Number));
  return `${/[^0(),-]/.test(vertical) ? 'fine and normal resolution' : 'normal resolution'}, up to ${GOOD_RATES[Math.min(top, 5)]} bit/s`;
}

function advice({ kind, why }: NoSession, settings: ModemSettings): readonly string[] {
  switch (kind) {
    case 'absent':
      return [`There is no modem at ${settings.device}: ${why}.`, 'Look at `dmesg | grep tty` after plugging it in; a USB modem is usually /dev/ttyACM0, a serial one /dev/ttyS0 or /dev/ttyUSB0.'];
    case 'in-use':
      return [`Another program has it: ${why}.`, 'mgetty lets go of an idle line by itself; a call under way ends in its own time. A running gateway holds a line it answers on.'];
    case 'silent':
      return [`It is there, but ${why}.`, 'Is it switched on? Is it the right port? Try another speed= (38400 or 19200), a null-modem cable is wrong here.'];
    case 'unplugged':
      return [`It went away while we asked: ${why}.`];
    case 'refuses':
      return /EACCES|[Pp]ermission/.test(why)
        ? [`We may not open it: ${why}.`, 'Put the gateway\'s user into the group that owns the device (dialout, on Debian).']
        : [`It does not do as told: ${why}.`, 'Try class=2 or class=2.0, and look for its maker\'s init string. A modem of class 1 only will not do.'];
    case 'aborted':
      return [why];
    default:
      return kind satisfies never;
  }
}

export interface ModemState {
  readonly name: string;
  readonly device: string;
  readonly driver: string;
  readonly state: 'absent' | 'free' | 'in-use';
  readonly pid?: number;
}

/** Without a word to the modem: is the device there, and whose is it. */
export async function stateOfModem({ name, device, driver, lockFolder }: ModemSettings): Promise<ModemState> {
  const about = { name, device, driver };
  if ((await stat(device).catch(() => null)) === null) return { ...about, state: 'absent' };
  const holder = await lockHolder(lockFolder, device);
  return holder?.alive === true ? { ...about, state: 'in-use', pid: holder.pid } : { ...about, state: 'free' };
}
