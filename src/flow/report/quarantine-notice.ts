/**
 * A letter to the postmaster about messages that were set aside as damaged: no sender could do anything about it, and
 * somebody must look at the disk. Many at once are one letter, and there is no more than one in an hour.
 */
import { after, type Clock, type Instant } from '../../core/clock.ts';
import type { Address, MessageId } from '../../core/envelope.ts';
import type { Intake } from '../../core/intake.ts';
import type { Kernels } from '../../core/kernels.ts';
import type { Log } from '../../core/log.ts';
import { formatDate } from '../../grammar/date.ts';
import { DOUBLE_BOUNCE } from './duty.ts';
import { queueLetter } from './letter.ts';

export interface QuarantineNoticeOptions {
  readonly intake: Intake;
  readonly kernels: Pick<Kernels, 'openScan'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Asked when a letter is written, so that a reload is heard. */
  address(): { readonly me: string; readonly from: string; readonly to: Address };
}

export interface QuarantineNotice {
  /** Takes note. Never throws, never waits. */
  tell(id: MessageId, why: string): void;
  close(): void;
}

/** Damage comes in company. */
const COLLECT_MS = 10_000;
const BETWEEN_MS = 3_600_000;
/** Named in one letter; the rest are counted. */
const MOST_NAMED = 100;

export function openQuarantineNotice(options: QuarantineNoticeOptions): QuarantineNotice {
  const { clock, log } = options;
  const closed = new AbortController();
  let named: string[] = [];
  let count = 0;
  let writing = false;
  let notBefore = 0 as Instant;

  async function write(): Promise<void> {
    writing = true;
    while (count > 0 && !closed.signal.aborted) {
      await clock.sleepUntil(Math.max(after(clock.now(), COLLECT_MS), notBefore) as Instant, closed.signal);
      if (closed.signal.aborted) break;
      const text = letterText(named, count);
      named = [];
      count = 0;
      notBefore = after(clock.now(), BETWEEN_MS);
      await send(text);
    }
    writing = false;
  }

  async function send(text: string): Promise<void> {
    const { me, from, to } = options.address();
    const at = clock.now();
    const head = `From: ${from}\r\nTo: <${to}>\r\nSubject: Damaged messages set aside at ${me}\r\nDate: ${formatDate(at)}\r\nMessage-ID: <quarantine.${at}@${me}>\r\n`
      // RFC 3834 §5.
      + 'Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n';
    try {
      // As a report to the postmaster: should it fail, nobody is written to about it.
      const queued = await queueLetter(options.intake, options.kernels, {
        origin: { source: 'dsn', protocol: DOUBLE_BOUNCE, at }, to, mail: { body: '8bitmime' }, pieces: () => [Buffer.from(head + text)],
      });
      if (queued.kind === 'refused') log.error('error', { where: 'report', what: 'the postmaster cannot be told of damaged messages', code: queued.status, text: queued.text });
    } catch (cause) {
      log.error('error', { where: 'report', what: 'the postmaster cannot be told of damaged messages', cause });
    }
  }

  return {
    tell(id, why) {
      count++;
      if (named.length < MOST_NAMED) named.push(`  ${id}  ${why.replaceAll(/[\u0000-\u001f\u007f]/g, ' ').slice(0, 300)}`);
      if (!writing) void write();
    },
    close: () => closed.abort(),
  };
}

function letterText(named: readonly string[], count: number): string {
  return [
    `What the disk holds of ${count === 1 ? 'this message' : `these ${count} messages`} is not what was accepted:`, '', ...named,
    ...(count > named.length ? [`  and ${count - named.length} more`] : []), '',
    'They are in quarantine: kept, and not delivered. Have a look at the disk. Then', '',
    '  posthorn queue repair        mends what can be mended, and writes out the rest',
    '  posthorn queue show QID      says what is known of a message', '',
  ].map((line) => `${line}\r\n`).join('');
}
