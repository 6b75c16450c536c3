/** Delivers on this box, by the hands that have the owner's rights. The outcome is 'delivered' only after all is on disk. */
import type { Address, Envelope, MessageId, Recipient } from '../../../core/envelope.ts';
import type { Outcome } from '../../../core/outcome.ts';
import type { Log } from '../../../core/log.ts';
import type { StoredContent } from '../../../core/queue-store.ts';
import type { Refusal, Status } from '../../../core/status.ts';
import type { Delivery, Transport } from '../../../core/transport.ts';
import { parseAddress, unquotedLocalPart } from '../../../grammar/address.ts';
import { signalOf } from '../../../kit/interrupter.ts';
import type { Errand, Hands } from './errand.ts';
import { addressesIn, headerOf } from './forward-file.ts';
import type { FoundMailbox, MailboxNames } from './mailbox-names.ts';

export interface LocalTransportOptions {
  readonly name: string;
  readonly names: MailboxNames;
  readonly hands: Hands;
  /** For accounts whose mail is not the gateway's to write; absent: there are none. */
  readonly ownersHands?: Hands;
  /** The `.courier` line behind an address that an alias made; null: none. */
  instruction?(recipient: Address): string | null;
  /** Hands on a copy; absent: nobody may forward. */
  forward?(addresses: readonly string[], copy: Copy, signal: AbortSignal): Promise<Refusal | { readonly kind: 'queued' }>;
  /** Where programs of aliases start. */
  readonly folder: string;
  readonly limits?: Transport['limits'];
  readonly log: Log;
}

export interface Copy {
  /** The message that is sent on. */
  readonly id: MessageId;
  readonly recipient: Address;
  /** '' is the null sender. */
  readonly sender: string;
  readonly content: StoredContent;
  /** Of that message: what it asks of every hop holds for the copy too. */
  readonly virtualHost?: string;
  readonly security?: Envelope['security'];
  readonly requireTls?: true;
}

/** Courier's module.local: MAXDELS 10, MAXHOST 4. */
const SHIPPED_LIMITS: Transport['limits'] = { recipients: 100, perNexthop: 4, inAll: 10 };

type Found = Extract<FoundMailbox, { kind: 'found' }>;

export function createLocalDelivery(options: LocalTransportOptions): Transport {
  let closed = false;
  return {
    name: options.name,
    limits: options.limits ?? SHIPPED_LIMITS,
    async deliver(job, interruption) {
      const signal = signalOf(interruption);
      if (closed || signal.aborted) return new Map(job.recipients.map(({ id }) => [id, deferred('4.3.2', 'nexthop', 'We are stopping')]));
      // Content that cannot be read fails where it is written, recipient by recipient.
      const been = new Set((await headerOf(job.content).then(addressesIn, () => [])).map(text => parseAddress(text)?.toLowerCase() ?? text));
      const outcomes = await Promise.all(job.recipients.map(async recipient => [recipient.id, await deliverOne(options, job, recipient, been, signal)] as const));
      return new Map(outcomes);
    },
    close() {
      closed = true;
      return Promise.resolve();
    },
  };
}

async function deliverOne(options: LocalTransportOptions, job: Delivery, recipient: Recipient, been: ReadonlySet<string>, signal: AbortSignal): Promise<Outcome> {
  const { address } = recipient;
  try {
    // Mail that was here for this very recipient goes in a circle (courier-core 8.1).
    if (been.has(address.toLowerCase())) return failed('5.4.6', `This message was delivered to ${address} before: a loop`);
    const ordered = options.instruction?.(address) ?? null;
    const mailbox = ordered === null ? await options.names.find(address) : null;
    if (mailbox !== null && mailbox.kind !== 'found') {
      return mailbox.kind === 'none' ? failed('5.1.1', `No mailbox for ${address}`) : deferred('4.3.0', 'nexthop', 'The account data cannot be read now');
    }
    const errand = errandFor(options, job, address, mailbox, ordered);
    const hands = mailbox?.account?.owner === undefined ? options.hands : options.ownersHands;
    if (hands === undefined) return deferred('4.3.5', 'recipient', 'Nobody here may write to this mailbox');
    const { outcome, forwards } = await hands.deliver(errand, job.content, signal);
    if (forwards.length === 0) return outcome;
    const handed = await handOn(options, forwards, { id: job.id, recipient: address, sender: errand.sender, content: job.content, ...inherited(job.envelope) }, signal);
    return outcome.kind === 'delivered' ? (handed ?? outcome) : outcome;
  } catch (cause) {
    options.log.error('local', { addr: address, cause });
    return deferred('4.3.0', 'recipient', 'The mailbox cannot be written now');
  }
}

function errandFor(options: LocalTransportOptions, job: Delivery, recipient: Address, mailbox: Found | null, ordered: string | null): Errand {
  const common = { recipient, sender: job.envelope.reversePath ?? '' };
  if (mailbox === null) return { ...common, login: unquotedLocalPart(recipient), home: options.folder, ours: true, folder: options.folder, extension: '', ordered: ordered ?? '' };
  const { account, home, folder, extension, delivery } = mailbox;
  return {
    ...common, login: account?.login ?? unquotedLocalPart(recipient), home: home ?? folder, ours: home === undefined, folder, extension,
    ...(account?.quota === undefined ? {} : { quota: account.quota }),
    ...(delivery === undefined ? {} : { delivery }),
  };
}

function inherited({ origin: { virtualHost }, security, requireTls }: Envelope): Pick<Copy, 'virtualHost' | 'security' | 'requireTls'> {
  return { ...(virtualHost === undefined ? {} : { virtualHost }), ...(security === undefined ? {} : { security }), ...(requireTls === undefined ? {} : { requireTls }) };
}

/** Null: handed on. */
async function handOn({ forward }: LocalTransportOptions, forwards: readonly string[], copy: Copy, signal: AbortSignal): Promise<Outcome | null> {
  if (forward === undefined) return failed('5.7.1', 'Forwarding is not allowed here');
  const answer = await forward(forwards, copy, signal);
  if (answer.kind === 'queued') return null;
  const said = { type: 'smtp', text: `${answer.reply} ${answer.status} ${answer.text}` } as const;
  return answer.reply < 500 ? { kind: 'deferred', status: answer.status as Status<4>, blame: 'recipient', said } : { kind: 'failed', status: answer.status as Status<5>, said };
}

function failed(status: Status<5>, text: string): Outcome {
  return { kind: 'failed', status, said: { type: 'x-unix', text } };
}
function deferred(status: Status<4>, blame: 'recipient' | 'nexthop', text: string): Outcome {
  return { kind: 'deferred', status, blame, said: { type: 'x-unix', text } };
}
