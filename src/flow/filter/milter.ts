/**
 * A milter, told the whole transaction when its content is there: connection, envelope, header, body. What it says about
 * one recipient holds for that one; what it wants changed is changed, nothing else. `discard` sets the message aside:
 * mail that we said yes to never vanishes.
 */
import type { RecipientId } from '../../core/envelope.ts';
import type { Change, Field, Filter, FilterAnswer, Held, Inspected, Verdict } from '../../core/policy.ts';
import { refuse, type Refusal } from '../../core/status.ts';
import { parseAddress } from '../../grammar/address.ts';
import type { ContentFilter } from '../../grammar/config/content-filters.ts';
import { refusalFrom } from '../../grammar/filter/answer.ts';
import { formatConnect, formatMacros, formatNegotiation, formatPacket, STEPS, texts, type MilterReply } from '../../grammar/filter/milter.ts';
import { parseFields } from '../../grammar/mime/field.ts';
import { fieldsOf } from './copy.ts';
import { openMilterWire, type MilterWire } from './milter-wire.ts';
import { reach } from './place.ts';
import { headerOf } from './scores.ts';

const BODY_OCTETS = 65_535;
/** A new body may be larger than the old one twice over, and so much besides. */
const NEW_BODY_OCTETS = 32 * 1024 * 1024;

export interface MilterOptions extends Pick<ContentFilter, 'name' | 'place' | 'whenAbsent'> {
  me(): string;
}

/** What a milter decided for everybody, before the end of the message. */
type Early = { readonly kind: 'on' } | { readonly kind: 'decided'; readonly verdict: Verdict };
const ON: Early = { kind: 'on' };

export function createMilter({ name, place, whenAbsent, me }: MilterOptions): Filter {
  return {
    name,
    whenAbsent,
    async inspect(message, signal) {
      const socket = await reach(place, signal);
      try {
        const wire = openMilterWire(socket);
        await wire.say(formatNegotiation());
        const negotiated = await wire.next();
        if (negotiated.kind !== 'negotiated' || negotiated.version < 2) return { kind: 'absent', why: 'it does not negotiate as a milter' };
        const answer = await converse(new Dialogue(name, wire, negotiated.steps, message, me()));
        socket.end(formatPacket('Q'));
        return answer;
      } finally {
        socket.destroySoon();
      }
    },
  };
}

async function converse(talk: Dialogue): Promise<FilterAnswer> {
  const early = await talk.envelope() ?? await talk.header() ?? await talk.body();
  if (early !== null) return { kind: 'looked', verdicts: talk.withEverybody(early), addFields: [] };
  return talk.end();
}

class Dialogue {
  readonly #name: string;
  readonly #wire: MilterWire;
  readonly #steps: number;
  readonly #message: Inspected;
  readonly #me: string;
  readonly #verdicts = new Map<RecipientId, Verdict>();

  constructor(name: string, wire: MilterWire, steps: number, message: Inspected, me: string) {
    this.#name = name;
    this.#wire = wire;
    this.#steps = steps;
    this.#message = message;
    this.#me = me;
  }

  withEverybody(verdict: Verdict): ReadonlyMap<RecipientId, Verdict> {
    for (const id of this.#message.recipients.keys()) if (!this.#verdicts.has(id)) this.#verdicts.set(id, verdict);
    return this.#verdicts;
  }

  async envelope(): Promise<Verdict | null> {
    const { origin, reversePath, envelope, recipients, id } = this.#message;
    const address = origin.remoteAddress ?? '127.0.0.1';
    const host = origin.remoteAddress === undefined ? 'localhost' : (origin.remoteName ?? `[${address}]`);
    await this.#macros('C', [['j', this.#me], ['{daemon_name}', origin.source], ['{client_addr}', address], ['{client_name}', host], ['v', 'Posthorn']]);
    let early = await this.#step('noConnect', 'silentConnect', formatConnect(host, address, origin.remotePort ?? 0));
    if (early.kind === 'decided') return early.verdict;
    const { tls } = origin;
    await this.#macros('H', [['{tls_version}', tls?.version], ['{cipher}', tls?.cipher], ['{cipher_bits}', tls === undefined ? undefined : String(tls.bits)]]);
    early = await this.#step('noHelo', 'silentHelo', formatPacket('H', texts(origin.helo ?? 'localhost')));
    if (early.kind === 'decided') return early.verdict;
    // The account of a program on this box is no login by password; milters that sign trust both alike.
    await this.#macros('M', [['i', id], ['{auth_authen}', origin.login], ['{auth_type}', origin.mechanism], ['{mail_addr}', reversePath ?? ''], ['{mail_mailer}', 'esmtp']]);
    const mailArguments = [...(envelope.body === '8bitmime' ? ['BODY=8BITMIME'] : []), ...(envelope.smtputf8 ? ['SMTPUTF8'] : [])];
    early = await this.#step('noMail', 'silentMail', formatPacket('M', texts(`<${reversePath ?? ''}>`, ...mailArguments)));
    if (early.kind === 'decided') return early.verdict;
    for (const [recipient, address] of recipients) {
      await this.#macros('R', [['i', id], ['{rcpt_addr}', address], ['{rcpt_mailer}', 'esmtp']]);
      const one = await this.#step('noRcpt', 'silentRcpt', formatPacket('R', texts(`<${address}>`)));
      if (one.kind === 'on') continue;
      if (one.verdict.kind !== 'refused') return one.verdict;
      this.#verdicts.set(recipient, one.verdict);
    }
    // It has refused them all: a milter expects no content then.
    if (this.#verdicts.size === recipients.size) return { kind: 'pass' };
    await this.#macros('T', [['i', id]]);
    early = await this.#step('noContent', 'silentContent', formatPacket('T'));
    return early.kind === 'decided' ? early.verdict : null;
  }

  async header(): Promise<Verdict | null> {
    const ours = fieldsOf(this.#message.trace).map(field => ({ field, from: this.#message.trace }));
    const header = await headerOf(this.#message);
    for (const { field, from } of [...ours, ...parseFields(header).map(one => ({ field: one, from: header as Uint8Array }))]) {
      const text = Buffer.from(from.buffer, from.byteOffset, from.length).toString('latin1', field.start, field.end);
      const colon = text.indexOf(':');
      const value = text.slice(colon + 1).replaceAll('\r\n', '\n').replace(/\n$/, '');
      const shown = this.#asked('leadingSpace') ? value : value.replace(/^[ \t]/, '');
      const early = await this.#step('noFields', 'silentFields', formatPacket('L', Buffer.from(texts(text.slice(0, colon).trimEnd(), shown), 'latin1')));
      if (early.kind === 'decided') return early.verdict;
    }
    const early = await this.#step('noEndOfHeader', 'silentEndOfHeader', formatPacket('N'));
    return early.kind === 'decided' ? early.verdict : null;
  }

  async body(): Promise<Verdict | null> {
    if (this.#asked('noBody')) return null;
    let skip = this.#message.facts.headerEnd;
    for await (const chunk of this.#message.content()) {
      const from = Math.min(skip, chunk.length);
      skip -= from;
      for (let at = from; at < chunk.length; at += BODY_OCTETS) {
        await this.#wire.say(formatPacket('B', chunk.subarray(at, Math.min(at + BODY_OCTETS, chunk.length))));
        if (this.#asked('silentBody')) continue;
        const reply = await this.#wire.next();
        if (reply.kind === 'skip') return null;
        const early = this.#early(reply);
        if (early.kind === 'decided') return early.verdict;
      }
    }
    return null;
  }

  async end(): Promise<FilterAnswer> {
    await this.#macros('E', [['i', this.#message.id]]);
    await this.#wire.say(formatPacket('E'));
    const addFields: Field[] = [];
    const changes: Change[] = [];
    let body: Held | null = null;
    const most = 2 * this.#message.facts.sizeOctets + NEW_BODY_OCTETS;
    let quarantine: Verdict | null = null;
    for (;;) {
      const reply = await this.#wire.next();
      switch (reply.kind) {
        case 'append-field':
          changes.push({ kind: 'append', field: reply });
          break;
        case 'insert-field':
          // Each is asked for at the top, so the last one asked for stands highest.
          if (reply.at <= 1) addFields.unshift(reply);
          else addFields.push(reply);
          break;
        case 'change-field':
          changes.push({ kind: 'field', name: reply.name, nth: Math.max(1, reply.at), value: reply.value === '' ? null : reply.value });
          break;
        case 'body':
          body ??= this.#message.hold();
          if (body.sizeOctets + reply.octets.length > most) return { kind: 'absent', why: `a new body of more than ${most} octets` };
          await body.write(reply.octets);
          break;
        case 'add-recipient':
        case 'drop-recipient': {
          const address = parseAddress(reply.address.replace(/^<(.*)>$/, '$1'));
          if (address === null) return { kind: 'absent', why: `${reply.address} is no address` };
          changes.push({ kind: reply.kind === 'add-recipient' ? 'recipient' : 'drop', address });
          break;
        }
        case 'quarantine':
          quarantine = { kind: 'quarantine', why: `${this.#name}: ${reply.why}` };
          break;
        case 'negotiated':
        case 'unknown':
          throw new Error(`${reply.kind} is no answer here`);
        case 'accept':
        case 'continue':
        case 'defer':
        case 'discard':
        case 'progress':
        case 'reject':
        case 'reply':
        case 'skip': {
          const early = this.#early(reply);
          if (early.kind === 'decided' && early.verdict.kind !== 'pass') return { kind: 'looked', verdicts: this.withEverybody(early.verdict), addFields: [] };
          if (body !== null) changes.push({ kind: 'body', octets: body });
          return { kind: 'looked', verdicts: quarantine === null ? this.#verdicts : this.withEverybody(quarantine), addFields, changes };
        }
        default: {
          const never: never = reply;
          throw new Error(`unknown reply ${JSON.stringify(never)}`);
        }
      }
    }
  }

  #asked(step: keyof typeof STEPS): boolean {
    return (this.#steps & STEPS[step]) !== 0;
  }

  #macros(command: string, macros: Parameters<typeof formatMacros>[1]): Promise<void> {
    return this.#wire.say(formatMacros(command, macros));
  }

  async #step(unwanted: keyof typeof STEPS, silent: keyof typeof STEPS, packet: Buffer): Promise<Early> {
    if (this.#asked(unwanted)) return ON;
    await this.#wire.say(packet);
    return this.#asked(silent) ? ON : this.#early(await this.#wire.next());
  }

  #early(reply: MilterReply): Early {
    const decided = (verdict: Verdict): Early => ({ kind: 'decided', verdict });
    switch (reply.kind) {
      case 'continue':
      case 'skip':
        return ON;
      case 'accept':
        return decided({ kind: 'pass' });
      case 'reject':
        return decided(refuse('contentRefused', { why: `rejected by ${this.#name}` }));
      case 'defer':
        return decided(refuse('contentDeferred', { why: `put off by ${this.#name}` }));
      case 'discard':
        return decided({ kind: 'quarantine', why: `${this.#name} says discard` });
      case 'reply':
        return decided(replyOf(reply.text, this.#name));
      case 'add-recipient':
      case 'append-field':
      case 'body':
      case 'change-field':
      case 'drop-recipient':
      case 'insert-field':
      case 'negotiated':
      case 'progress':
      case 'quarantine':
      case 'unknown':
        throw new Error(`${reply.kind} is no answer here`);
      default: {
        const never: never = reply;
        throw new Error(`unknown reply ${JSON.stringify(never)}`);
      }
    }
  }
}

/** `550 5.7.1 text`, several lines parted by CRLF and each with the code. */
function replyOf(text: string, name: string): Refusal {
  const lines = text.split(/\r?\n/).filter(line => line !== '');
  const code = Number(/^([45]\d\d)(?:[ -]|$)/.exec(lines[0] ?? '')?.[1] ?? 0);
  if (code === 0) return refuse('contentDeferred', { why: `${name} answered '${text.slice(0, 100)}'` });
  return { ...refusalFrom(code, lines.map(line => line.slice(4).replaceAll('%%', '%'))), why: `refused by ${name}` };
}
