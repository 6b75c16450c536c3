/** From a line that is open to a modem that is known: does it speak, who is it, which class, which quirks. */
import { after, type Clock } from '../../src/core/clock.ts';
import { DIALECTS, type Dialect, type DialectName } from './dialects.ts';
import { profileFor, PROFILES, type ModemProfile } from './profiles.ts';
import type { ModemSettings } from './settings.ts';
import type { Answer, Talk } from './talk.ts';

export interface Modem {
  readonly kind: 'modem';
  readonly name: string;
  readonly talk: Talk;
  readonly dialect: Dialect;
  readonly profile: ModemProfile;
  readonly identity: string;
  readonly classes: readonly string[];
  readonly settings: ModemSettings;
}

export interface NoModem {
  readonly kind: 'silent' | 'refuses' | 'unplugged' | 'aborted';
  readonly why: string;
}

const SETUP_MS = 10_000;
const FIRST_WORD_MS = 3000;
const IDENTITY_MS = 5000;
const DTR_LOW_MS = 300;
const QUIET_MS = 1000;
const FINE_14400 = '1,5,0,2,0,0,0,0';
const FINE_9600 = '1,3,0,2,0,0,0,0';

export async function startModem(talk: Talk, settings: ModemSettings, clock: Clock, signal: AbortSignal): Promise<Modem | NoModem> {
  const once = (text: string, ms = SETUP_MS) => talk.command(text, { ms, signal });
  // mgetty, waiting on the same line, throws away what it finds before it sees our lock: an answer may be lost, once.
  const say = async (text: string, ms = SETUP_MS): Promise<Answer> => {
    const first = await once(text, ms);
    if (first.end !== null || (await once('E0V1Q0', FIRST_WORD_MS)).end !== 'ok') return first;
    await quiet();
    return once(text, ms);
  };
  /** An answer that was late would be taken for that of the next command. */
  const quiet = () => clock.sleepUntil(after(clock.now(), QUIET_MS), signal);
  const ended = (answer: Answer): NoModem | null =>
    answer.end === 'gone' ? { kind: 'unplugged', why: talk.ear.gone ?? 'the line broke' } : answer.end === 'aborted' ? { kind: 'aborted', why: 'we are stopping' } : null;
  const failed = (answer: Answer, text: string): NoModem => ended(answer) ?? (answer.end === null ? { kind: 'silent', why: `does not answer AT${text}` } : { kind: 'refuses', why: `refuses AT${text}` });

  // Whatever it was doing: a modem set to &D2 hangs up when DTR falls.
  await talk.wire.ready(false);
  await clock.sleepUntil(after(clock.now(), DTR_LOW_MS), signal);
  await talk.wire.ready(true);
  const awake = await wake(once, quiet);
  if (awake !== null) return ended(awake) ?? { kind: 'silent', why: 'does not answer ATV1Q0' };

  const { classes, answer } = await askClasses(say);
  if (answer.end !== 'ok' && answer.end !== 'error') return failed(answer, '+FCLASS=?');
  const identity = await askIdentity(say, classes);
  const profile = PROFILES.find(({ name }) => name === settings.profile) ?? profileFor(identity);
  const dialect = chooseDialect(classes, settings.fax, profile);
  if (dialect === null) return { kind: 'refuses', why: classes.length === 0 ? 'knows no fax class' : `has fax classes ${classes.join(', ')}, not ${settings.fax === 'auto' ? '2 or 2.0' : settings.fax}` };

  const selected = await say(`+FCLASS=${dialect.name}`);
  if (selected.end !== 'ok') return failed(selected, `+FCLASS=${dialect.name}`);
  // A modem that does not know one of these works all the same.
  const flow = dialect.name === '2.0' ? `+FLO=${settings.flow === 'hardware' ? 2 : 1}` : profile.flow[settings.flow];
  for (const text of [...profile.init, flow, ...dialect.prepare, `${dialect.bitOrder}=0`, '+FCR=1']) {
    const answer = await say(text, IDENTITY_MS);
    const over = ended(answer);
    if (over !== null) return over;
  }
  for (const text of settings.init) {
    const answer = await say(text.replace(/^AT/i, ''));
    if (answer.end !== 'ok') return failed(answer, text);
  }
  const id = settings.stationId.replaceAll(/[^0-9+ ]/g, '').slice(0, 20);
  const named = await say(`${dialect.localId}="${id}"`);
  if (named.end !== 'ok') return failed(named, `${dialect.localId}="${id}"`);
  const able = await say(`${dialect.capabilities}=${FINE_14400}`);
  if (able.end !== 'ok') {
    const less = able.end === 'error' ? await say(`${dialect.capabilities}=${FINE_9600}`) : able;
    if (less.end !== 'ok') return failed(less, dialect.capabilities);
  }
  return { kind: 'modem', name: settings.name, talk, dialect, profile, identity, classes, settings };
}

/** Null: it is awake. */
async function wake(say: (text: string, ms?: number) => Promise<Answer>, quiet: () => Promise<void>): Promise<Answer | null> {
  let answer: Answer | null = null;
  for (const ms of [FIRST_WORD_MS, SETUP_MS, SETUP_MS]) {
    const again = answer !== null;
    answer = await say('E0V1Q0', ms);
    if (answer.end === 'ok' && again) await quiet();
    if (answer.end === 'ok') return null;
    if (answer.end === 'gone' || answer.end === 'aborted') return answer;
  }
  return answer;
}

async function askClasses(say: (text: string, ms?: number) => Promise<Answer>): Promise<{ readonly classes: readonly string[]; readonly answer: Answer }> {
  const answer = await say('+FCLASS=?');
  const listed = [...answer.text, ...answer.reports.values()].join(' ').match(/\d+(?:\.\d+)?/g) ?? [];
  return { classes: answer.end === 'ok' ? [...new Set(listed)] : [], answer };
}

async function askIdentity(say: (text: string, ms?: number) => Promise<Answer>, classes: readonly string[]): Promise<string> {
  const found: string[] = [];
  const names: readonly DialectName[] = classes.includes('2') ? ['2', '2.0'] : ['2.0'];
  for (const name of names) {
    if (!classes.includes(name) || found.length > 0) continue;
    const { maker, model, revision } = DIALECTS[name].identity;
    await say(`+FCLASS=${name}`, IDENTITY_MS);
    for (const text of [maker, model, revision]) found.push(...(await say(text, IDENTITY_MS)).text);
  }
  if (found.length === 0) found.push(...(await say('I3', IDENTITY_MS)).text);
  return found.join(' ').replaceAll(/["\s]+/g, ' ').trim().slice(0, 200);
}

function chooseDialect(classes: readonly string[], wanted: ModemSettings['fax'], profile: ModemProfile): Dialect | null {
  if (wanted !== 'auto') return classes.includes(wanted) ? DIALECTS[wanted] : null;
  if (classes.includes(profile.prefer)) return DIALECTS[profile.prefer];
  const other = profile.prefer === '2' ? '2.0' : '2';
  return classes.includes(other) ? DIALECTS[other] : null;
}
