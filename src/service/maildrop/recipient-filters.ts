/**
 * Recipients' own filters (Courier's localmailfilter): `rcptfilter` at RCPT, `smtpfilter` on the content, for each
 * recipient alone. At RCPT 0 takes this sender's mail unread, 99 looks at the content first, all else refuses with the
 * words that were printed. What a filter cannot say now is asked again later.
 */
import type { Address, Origin } from '../../core/envelope.ts';
import type { Awaitable } from '../../core/intake.ts';
import type { Log } from '../../core/log.ts';
import type { Maildrop } from '../../core/maildrop.ts';
import { pass, type Check, type Facts, type Filter, type Inspected, type Variables, type Verdict } from '../../core/policy.ts';
import { refuse } from '../../core/status.ts';
import { runProgram } from '../../kit/run-program.ts';

export interface RecipientFiltersOptions {
  readonly maildrop: Maildrop;
  /** The file maildropfilter; null: nobody is asked. A path that ends in /maildrop is our own, within this process. */
  program(): string | null;
  /** Whose filters a recipient has; null: nobody's. */
  place(recipient: Address, origin: Origin): Awaitable<FilterPlace | 'unavailable' | null>;
  /** Whether mail of this way in is filtered at all. */
  filters(origin: Origin): boolean;
  readonly log: Log;
}

export interface FilterPlace {
  /** What the recipient is called in the queue. */
  readonly address: Address;
  readonly home: string;
  readonly login: string;
  /** Behind `rcptfilter-`; '' when there is none. An alias's is `alias-NAME`, and its content is nobody's to refuse. */
  readonly extension: string;
  readonly isAlias: boolean;
  /** The Maildir. */
  readonly folder: string;
  readonly quota?: string;
}

export interface RecipientFilters {
  readonly checks: readonly Check[];
  readonly filter: Filter;
  /** Somebody in the transaction under way wants to see the content. */
  wants(origin: Origin): boolean;
}

interface Sender {
  readonly origin: Origin;
  readonly reversePath: string;
  readonly variables: Variables;
}

interface Answer {
  readonly code: number;
  readonly said: string;
  readonly why: string;
  readonly unasked: boolean;
}

const RCPT_LIMIT_MS = 60_000;
const CONTENT_LIMIT_MS = 240_000;
const SAID_OCTETS = 2048;
const LOOK_AT_CONTENT = 99;
const TRY_LATER = 75;
const NO_CONTENT: readonly Uint8Array[] = [];

export function createRecipientFilters(options: RecipientFiltersOptions): RecipientFilters {
  /** Of the transaction under way in a session: who wants to see the content. */
  const wanting = new WeakMap<Origin, Map<Address, FilterPlace>>();

  return {
    checks: [
      { name: 'recipient filters', stage: 'mail', judge({ origin }) {
        wanting.delete(origin);
        return pass;
      } },
      { name: 'recipient filters', stage: 'rcpt', judge(facts, signal) {
        const { recipient, origin } = facts;
        return recipient === undefined || options.program() === null || !options.filters(origin) ? pass : atRcpt(facts, recipient, signal);
      } },
    ],
    filter: { name: 'recipient filters', whenAbsent: 'defer', inspect },
    wants: origin => wanting.has(origin),
  };

  async function atRcpt(facts: Facts, recipient: Address, signal?: AbortSignal): Promise<Verdict> {
    const { origin, variables } = facts;
    const place = await options.place(recipient, origin);
    if (place === null) return pass;
    if (place === 'unavailable') return refuse('recipientFilterAway', { why: 'the accounts cannot be asked' });
    const answer = await ask('rcptfilter', place, { origin, variables, reversePath: facts.reversePath ?? '' }, () => NO_CONTENT, limited(signal, RCPT_LIMIT_MS));
    if (answer.unasked) return pass;
    if (answer.code === 0) return { kind: 'pass', filtering: 'whitelisted' };
    if (answer.code !== LOOK_AT_CONTENT) return refusalOf(answer, 'Delivery not authorized, message refused');
    // For an alias there is nobody whose smtpfilter could be asked (courier-services 1.5).
    if (place.isAlias) return pass;
    const places = wanting.get(origin) ?? new Map<Address, FilterPlace>();
    wanting.set(origin, places.set(place.address, place));
    return { kind: 'pass', filtering: 'filtered' };
  }

  async function inspect(message: Inspected, signal: AbortSignal): ReturnType<Filter['inspect']> {
    const verdicts = new Map<Inspected['addressees'][number]['id'], Verdict>();
    const places = wanting.get(message.origin);
    if (places !== undefined) {
      const sender: Sender = { origin: message.origin, variables: message.variables, reversePath: message.reversePath ?? '' };
      for (const { id, address } of message.addressees) {
        const place = places.get(address);
        if (place === undefined) continue;
        const answer = await ask('smtpfilter', place, sender, () => whole(message), limited(signal, CONTENT_LIMIT_MS));
        if (!answer.unasked && answer.code !== 0) verdicts.set(id, refusalOf(answer, 'Access denied'));
      }
    }
    return { kind: 'looked', verdicts, addFields: [] };
  }

  async function ask(kind: 'rcptfilter' | 'smtpfilter', place: FilterPlace, sender: Sender, content: () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>, signal: AbortSignal): Promise<Answer> {
    const name = place.extension === '' ? kind : `${kind}-${place.extension}`;
    const program = options.program() ?? '';
    const parameters = [sender.origin.remoteName ?? '', sender.origin.remoteAddress ?? '', sender.reversePath, sender.variables.get('BOUNCE') ?? '', sender.variables.get('BOUNCE2') ?? ''];
    const environment = environmentOf(place, sender);
    const answer = /(?:^|\/)maildrop$/.test(program)
      ? await askOwn({ name, place, environment, parameters, reversePath: sender.reversePath, content }, signal)
      : await askProgram(program, ['-D', `${process.getuid?.() ?? 0}/${process.getgid?.() ?? 0}`, '-M', name, ...parameters], environment, content(), signal);
    if (answer.code === TRY_LATER) options.log.warn('recipient filter', { addr: place.address, name, why: answer.why });
    return answer;
  }

  async function askOwn({ name, place, ...job }: { readonly name: string; readonly place: FilterPlace; readonly environment: Readonly<Record<string, string>>; readonly parameters: readonly string[]; readonly reversePath: string; readonly content: () => AsyncIterable<Uint8Array> | Iterable<Uint8Array> }, signal: AbortSignal): Promise<Answer> {
    let said = '';
    let why = '';
    const { code, unasked } = await options.maildrop.run({
      recipe: { kind: 'named', name }, home: place.home, login: place.login, defaultMailbox: place.folder, ...job,
      output(octets) {
        if (said.length < SAID_OCTETS) said += Buffer.from(octets).toString('utf8');
      },
      complain(text) {
        if (why.length < SAID_OCTETS) why += `${text} `;
      },
    }, signal);
    return { code, said, why: why.trim(), unasked: unasked === true };
  }

  async function askProgram(program: string, args: readonly string[], environment: Readonly<Record<string, string>>, input: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, signal: AbortSignal): Promise<Answer> {
    const ran = await runProgram(program, args, { input, signal, timeoutMs: CONTENT_LIMIT_MS, environment });
    switch (ran.kind) {
      case 'exited':
        return { code: ran.code, said: ran.stdout + ran.stderr, why: ran.stderr, unasked: false };
      case 'absent':
        // Courier takes the mail then; a filter that is not installed must not stop it.
        options.log.error('recipient filter', { program, why: ran.why });
        return { code: 0, said: '', why: ran.why, unasked: true };
      case 'killed':
      case 'starved':
        return { code: TRY_LATER, said: '', why: ran.kind === 'killed' ? ran.why : String(ran.cause), unasked: false };
      default:
        return ran satisfies never;
    }
  }
}

async function* whole(message: Inspected): AsyncGenerator<Uint8Array> {
  yield message.trace;
  yield* message.content();
}

function environmentOf(place: FilterPlace, { origin, reversePath, variables }: Sender): Record<string, string> {
  return {
    ...Object.fromEntries(variables),
    SENDER: reversePath, HOME: place.home, DEFAULT: place.folder, PATH: '/usr/local/bin:/usr/bin:/bin',
    TCPREMOTEHOST: origin.remoteName ?? '', TCPREMOTEIP: origin.remoteAddress ?? '',
    ...(place.quota === undefined ? {} : { MAILDIRQUOTA: place.quota }),
  };
}

/** Words that begin with a reply code choose between now and never; 75 is our trouble, and its words are for the log. */
function refusalOf({ code, said, why }: Answer, otherwise: string): Verdict {
  if (code === TRY_LATER) return refuse('recipientFilterAway', { why });
  const text = said.slice(0, SAID_OCTETS).replaceAll(/[^\n\u0020-\u007e\u00a0-\uffff]/g, '').trim();
  const words = text.replaceAll(/^\d{3}[ -]?/gm, '').trim();
  return refuse(/^4\d\d/.test(text) ? 'recipientDefers' : 'recipientRefuses', { text: words === '' ? otherwise : words });
}

function limited(signal: AbortSignal | undefined, limitMs: number): AbortSignal {
  const limit = AbortSignal.timeout(limitMs);
  return signal === undefined ? limit : AbortSignal.any([signal, limit]);
}
