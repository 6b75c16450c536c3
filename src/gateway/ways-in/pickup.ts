/** Mail from the pickup folder into the queue. Nobody waits for an answer there: what is refused for good is reported. */
import { join } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import { after } from '../../core/clock.ts';
import type { Address, Envelope, Origin, RecipientId } from '../../core/envelope.ts';
import type { Intake, RcptOptions } from '../../core/intake.ts';
import type { Kernels } from '../../core/kernels.ts';
import type { Log } from '../../core/log.ts';
import type { QueueStore, RecipientState } from '../../core/queue-store.ts';
import type { Reporter } from '../../core/report.ts';
import type { Refusal, Status } from '../../core/status.ts';
import { refuse } from '../../core/status.ts';
import { openPickup, type LeftMessage, type Pickup } from '../../flow/pickup/index.ts';
import { parseAddress } from '../../grammar/address.ts';
import { createLineEnds } from '../../grammar/line-ends.ts';
import { createSystemAccounts } from '../../kit/system-accounts.ts';
import type { Rules } from '../rules.ts';

export interface PickupRooms {
  readonly store: Pick<QueueStore, 'begin' | 'queuedUnder' | 'forgetKeys'>;
  readonly intake: Intake;
  readonly reporter: Reporter;
  readonly kernels: Pick<Kernels, 'openScan'>;
  readonly clock: Clock;
  readonly log: Log;
}

export function openPickupDesk(rules: () => Rules, rooms: PickupRooms): Promise<Pickup> {
  const accounts = createSystemAccounts();
  const { stateFolder, pickup } = rules().configuration;
  return openPickup({
    folder: join(stateFolder, 'pickup'),
    open: pickup,
    sizeOctets: () => rules().configuration.limits.sizeOctets ?? 0,
    nameOf: uid => accounts.find(uid)?.name ?? `uid${uid}`,
    take: left => take(left, rules(), rooms),
    forget: keys => rooms.store.forgetKeys(keys),
    clock: rooms.clock,
    log: rooms.log,
  });
}

interface Failure {
  /** Its place among the recipients: whoever is reported has his own number, in every attempt the same. */
  readonly at: number;
  readonly address: Address;
  readonly wish: RcptOptions;
  readonly refusal: Refusal;
}

async function take(left: LeftMessage, rules: Rules, rooms: PickupRooms): Promise<'taken' | 'later'> {
  const { envelope, owner, tooLarge } = left;
  const { log } = rooms;
  // Queued, and then we died before the file was gone. What a filter would say to it now does not count.
  if (rooms.store.queuedUnder(left.key) !== null) return 'taken';
  const me = rules.configuration.names.defaultDomain;
  // Reports must reach somebody: a sender that is no address is the account that left the message.
  const reversePath = envelope.reversePath === '' ? null : (parseAddress(envelope.reversePath) ?? parseAddress(`${owner}@${me}`));
  const origin: Origin = { source: 'local', protocol: 'local', login: owner, relayClient: '', at: rooms.clock.now() };
  const failures: Failure[] = [];
  const accepted: { readonly at: number; readonly address: Address; readonly wish: RcptOptions }[] = [];
  const everyone: RcptOptions = envelope.notify === undefined ? {} : { notify: envelope.notify };

  const transaction = await rooms.intake.open(origin, { idempotencyKey: left.key });
  if (transaction.kind === 'refused') return transaction.reply < 500 ? 'later' : report(transaction);
  const mail = await transaction.mail(reversePath, {
    ...(envelope.ret === undefined ? {} : { ret: envelope.ret }), ...(envelope.envid === undefined ? {} : { envid: envelope.envid }),
    ...(envelope.security === undefined ? {} : { security: envelope.security }),
    ...(envelope.verp === undefined || reversePath === null ? {} : { verp: envelope.verp }),
    smtputf8: [envelope.reversePath, ...envelope.recipients].some(text => /[^\0-\x7f]/.test(text)),
  });
  if (mail.kind === 'refused') return mail.reply < 500 ? 'later' : report(mail);
  const named = new Set<string>();
  for (const [at, text] of envelope.recipients.entries()) {
    if (named.has(text)) continue;
    named.add(text);
    const wish = envelope.wishes?.[at] ?? everyone;
    const address = parseAddress(text);
    if (address === null) {
      // It cannot be named in an envelope; the report names it all the same.
      const shown = parseAddress(`"${text.replaceAll(/[\u0000-\u001f\u007f"\\]/g, '?').slice(0, 60)}"@${me}`);
      if (shown !== null) failures.push({ at, address: shown, wish, refusal: refuse('badRecipientAddress', { text: `Bad recipient ${text}` }) });
      continue;
    }
    const answer = await transaction.rcpt(address, wish);
    if (answer.kind === 'taken') accepted.push({ at, address, wish });
    else if (answer.reply >= 500) failures.push({ at, address, wish, refusal: answer });
    else {
      transaction.abort();
      return 'later';
    }
  }
  // Before the rest is queued: what cannot be reported now is offered whole again, and nobody gets it twice.
  if (failures.length > 0 && (await tell()) === 'later') {
    transaction.abort();
    return 'later';
  }
  if (accepted.length === 0) {
    transaction.abort();
    return 'taken';
  }
  const refusal = tooLarge ? refuse('tooLarge') : await send();
  if (refusal === null) return 'taken';
  transaction.abort();
  if (refusal.reply < 500) return 'later';
  failures.splice(0, failures.length, ...accepted.map(one => ({ ...one, refusal })));
  return tell();

  async function send(): Promise<Refusal | null> {
    if (transaction.kind === 'refused') return transaction;
    const writer = await transaction.data();
    if (writer.kind === 'refused') return writer;
    const scan = rooms.kernels.openScan();
    const lineEnds = createLineEnds();
    let facts = null;
    try {
      for await (const chunk of left.content()) {
        const octets = lineEnds.feed(chunk);
        scan.feed(octets);
        await writer.write(octets);
      }
    } finally {
      facts = scan.facts(); // closes the scan
    }
    const answer = await writer.end(facts);
    return answer.kind === 'refused' ? answer : null;
  }

  /** Everybody is refused alike. */
  function report(refusal: Refusal): Promise<'taken' | 'later'> {
    for (const [at, text] of envelope.recipients.entries()) {
      const address = parseAddress(text);
      if (address !== null) failures.push({ at, address, wish: everyone, refusal });
    }
    return tell();
  }

  /** As if each refused recipient had been tried once: the sender gets the ordinary failure report. */
  async function tell(): Promise<'taken' | 'later'> {
    const octets = await beginning(left);
    const scan = rooms.kernels.openScan();
    scan.feed(octets);
    const facts = scan.facts();
    const now = rooms.clock.now();
    // A null sender's mail is nobody's to be told; the account that left it is somebody.
    const to = reversePath ?? parseAddress(`${owner}@${me}`);
    const told: Envelope = { reversePath: to, body: '7bit', smtputf8: false, origin, ...(envelope.ret === undefined ? {} : { ret: envelope.ret }), ...(envelope.envid === undefined ? {} : { envid: envelope.envid }) };
    const recipients = failures.map(({ at, address, wish, refusal }): RecipientState => ({
      id: at as RecipientId, address, ...wish,
      outcome: { kind: 'failed', status: refusal.status as Status<5>, said: { type: 'x-gateway', text: `${refusal.reply} ${refusal.text}` } },
      outcomeAt: now,
    }));
    const draft = rooms.store.begin(told, recipients);
    draft.discard();
    log.info('pickup', { id: draft.id, what: 'refused', owner, from: envelope.reversePath, recipients: recipients.map(({ address }) => address), why: failures[0]?.refusal.why ?? failures[0]?.refusal.text });
    const settled = await rooms.reporter.report({
      kind: 'final', recipients, key: left.key,
      message: { id: draft.id, envelope: told, recipients, facts, trace: new Uint8Array(), acceptedAt: after(now, 0), attempts: 1 },
      content: { kind: 'content', facts, sizeOctets: octets.length, read: () => [octets] },
    });
    return settled === 'settled' ? 'taken' : 'later';
  }
}

/** What a report returns of a message is not more. */
const RETURNED_OCTETS = 256 * 1024;

async function beginning(left: LeftMessage): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  const lineEnds = createLineEnds();
  let octets = 0;
  for await (const chunk of left.content()) {
    const piece = lineEnds.feed(chunk);
    pieces.push(piece);
    octets += piece.length;
    if (octets >= RETURNED_OCTETS) break;
  }
  return Buffer.concat(pieces).subarray(0, RETURNED_OCTETS);
}
