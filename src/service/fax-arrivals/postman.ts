/** Brings kept faxes to the intake; a fax leaves the spool when its mail is queued, and not before. */
import { after, type Clock } from '../../core/clock.ts';
import type { Address } from '../../core/envelope.ts';
import type { Intake } from '../../core/intake.ts';
import type { FaxKernels, Kernels, MimeKernels } from '../../core/kernels.ts';
import type { Log } from '../../core/log.ts';
import type { Refusal } from '../../core/status.ts';
import { formatFaxMessage, printable, type Attachment } from './fax-message.ts';
import type { KeptFax } from './kept-fax.ts';
import type { Spool } from './spool.ts';

export interface ArrivalSettings {
  /** Envelope sender; null: <>. */
  readonly mailFrom: Address | null;
  /** Who gets what no rule names. */
  readonly recipients: readonly Address[];
  readonly postmaster: Address;
  readonly from: string;
  /** Absent: the recipients. */
  readonly to?: string;
  readonly subject?: string;
  readonly messageIdHost: string;
  readonly attach: readonly Attachment[];
  readonly routes: readonly ArrivalRoute[];
}

export interface ArrivalRoute {
  readonly by: 'modem' | 'called' | 'sender' | 'caller';
  readonly match: string;
  readonly recipients: readonly Address[];
}

export interface PostmanOptions {
  readonly spool: Spool;
  readonly intake: Intake;
  readonly kernels: Kernels & FaxKernels & MimeKernels;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: () => ArrivalSettings;
}

/** A hook of mgetty's, which is another process, puts faxes there too. */
const LOOK_MS = 10_000;
const WAIT_FIRST_MS = 60_000;
const WAIT_LONGEST_MS = 3_600_000;

export interface Postman {
  wake(): void;
  /** Faxes that nobody will take. */
  troubles(): readonly string[];
  close(): Promise<void>;
}

export function openPostman(options: PostmanOptions): Postman {
  const { spool, clock, log } = options;
  let closing = false;
  const waits = new Map<string, { readonly until: number; readonly ms: number; readonly why: string }>();
  let nudge = new AbortController();

  async function round(): Promise<void> {
    const ids = await spool.ready();
    for (const id of waits.keys()) if (!ids.includes(id)) waits.delete(id);
    for (const id of ids) {
      if (closing) return;
      const wait = waits.get(id);
      if (wait !== undefined && wait.until > clock.now()) continue;
      const refusal = await mail(id);
      if (refusal === null) {
        waits.delete(id);
        continue;
      }
      const ms = Math.min(WAIT_LONGEST_MS, wait === undefined ? WAIT_FIRST_MS : wait.ms * 2);
      waits.set(id, { until: clock.now() + ms, ms, why: refusal });
      log.error('fax-mail', { fax: id, kind: 'waits', why: refusal });
    }
  }

  /** Null: it is out of the spool. */
  async function mail(id: string): Promise<string | null> {
    const fax = await spool.read(id);
    if (fax === null) {
      await spool.remove(id);
      return null;
    }
    const settings = options.settings();
    const recipients = recipientsOf(fax, settings);
    let answer = await submit(fax, recipients, settings);
    // Too much for one message: the small form of it.
    if (answer.kind === 'refused' && answer.status === '5.3.4' && settings.attach.length > 1) answer = await submit(fax, recipients, { ...settings, attach: ['pdf'] });
    if (answer.kind === 'refused' && answer.reply >= 500 && !recipients.includes(settings.postmaster)) {
      answer = await submit(fax, [settings.postmaster], settings, `Nobody else would take this fax: ${recipients.join(', ')}: ${printable(answer.text)}`);
    }
    if (answer.kind === 'refused') return `${answer.reply} ${answer.status} ${answer.text}`;
    log.info('fax-mail', { fax: id, kind: 'queued', id: answer.id, pages: fax.pages.length, to: recipients.join(', ') });
    await spool.remove(id);
    return null;
  }

  async function submit(fax: KeptFax, recipients: readonly Address[], settings: ArrivalSettings, note?: string): Promise<{ readonly kind: 'queued'; readonly id: string } | Refusal> {
    const { intake, kernels } = options;
    const transaction = await intake.open({ source: 'fax', protocol: 'fax', relayClient: '', at: clock.now() }, { idempotencyKey: `fax:${fax.id}` });
    if (transaction.kind === 'refused') return transaction;
    const mailed = await transaction.mail(settings.mailFrom, {});
    if (mailed.kind === 'refused') return mailed;
    let taken = 0;
    let refused: Refusal | null = null;
    for (const recipient of recipients) {
      const verdict = await transaction.rcpt(recipient, {});
      if (verdict.kind === 'refused') refused = verdict;
      else taken++;
    }
    if (refused !== null && taken > 0) log.error('fax-mail', { fax: fax.id, kind: 'recipient refused', why: `${refused.reply} ${refused.status} ${refused.text}` });
    // One good mailbox of several is enough: the fax is in somebody's hands.
    if (taken === 0 || (refused !== null && refused.reply < 500)) {
      transaction.abort();
      if (refused !== null) return refused;
    }
    const writer = await transaction.data();
    if (writer.kind === 'refused') return writer;
    const scan = kernels.openScan();
    let scanned = false;
    try {
      const message = formatFaxMessage({
        fax, kernels, from: settings.from, to: settings.to ?? recipients.join(', '), messageIdHost: settings.messageIdHost, attach: settings.attach, at: clock.now(),
        ...(settings.subject === undefined ? {} : { subject: settings.subject }), ...(note === undefined ? {} : { note }),
      });
      for await (const chunk of message) {
        scan.feed(chunk);
        await writer.write(chunk);
      }
      scanned = true;
      return await writer.end(scan.facts());
    } catch (cause) {
      transaction.abort();
      if (!scanned) scan.facts(); // closes the scan
      log.error('fax-mail', { fax: fax.id, cause });
      return { kind: 'refused', reply: 451, status: '4.3.0', text: 'cannot be made into a message' };
    }
  }

  async function run(): Promise<void> {
    for (;;) {
      if (closing) return;
      nudge = new AbortController();
      await round().catch((cause: unknown) => log.error('bug', { room: 'fax-arrivals', cause }));
      await clock.sleepUntil(after(clock.now(), LOOK_MS), nudge.signal);
    }
  }

  const running = run();
  return {
    wake: () => nudge.abort(),
    troubles: () => [...waits].map(([id, { why }]) => `fax ${id} waits in the spool: ${why}`),
    async close() {
      closing = true;
      nudge.abort();
      await running;
    },
  };
}

/** The first rule that fits; digits are compared, so that `+49 30 12` and `004930 12` differ only where they do. */
export function recipientsOf(fax: Pick<KeptFax, 'call' | 'end'>, settings: Pick<ArrivalSettings, 'routes' | 'recipients'>): readonly Address[] {
  const facts = { modem: fax.call.modem, called: fax.call.calledId ?? '', sender: fax.end.senderId ?? '', caller: fax.call.callerId ?? '' };
  const plain = (text: string) => text.replaceAll(/[^0-9A-Za-z*]/g, '').toLowerCase();
  for (const { by, match, recipients } of settings.routes) {
    const fact = plain(facts[by]);
    const wanted = plain(match);
    if (wanted.endsWith('*') ? fact.startsWith(wanted.slice(0, -1)) && fact !== '' : fact === wanted) return recipients;
  }
  return settings.recipients;
}
