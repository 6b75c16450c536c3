/** News about a message, from few words. */
import type { Instant } from '../../src/core/clock.ts';
import type { Address, Envelope, MessageId, Recipient, RecipientId } from '../../src/core/envelope.ts';
import type { Log } from '../../src/core/log.ts';
import { silent } from '../../src/core/log.ts';
import type { Outcome } from '../../src/core/outcome.ts';
import type { RecipientState, StoredContent, StoredMessage } from '../../src/core/queue-store.ts';
import type { Reporter, ReportNews } from '../../src/core/report.ts';
import { createReporter, type ReporterOptions } from '../../src/flow/report/index.ts';
import { createHandClock } from './hand-clock.ts';
import { factsOf } from './plain-store.ts';
import { createDesk, createScan, type Desk } from './report-desk.ts';

export interface Case {
  readonly kind?: 'final' | 'delay';
  readonly envelope?: Partial<Envelope>;
  readonly recipients: readonly (Partial<Recipient> & { readonly outcome: Outcome; readonly reached?: Outcome })[];
  /** LF or CRLF line ends; absent: the content cannot be read. */
  readonly content?: string | Buffer;
  readonly trace?: string;
}

export const ACCEPTED = Date.UTC(2026, 0, 5, 12, 0, 0);

export function newsOf({ kind = 'final', envelope = {}, recipients, content, trace = 'Received: from client.example (client.example [192.0.2.7])\n  by gw.example with ESMTP;\n  Mon, 05 Jan 2026 12:00:00 +0000\n' }: Case): ReportNews {
  const octets = typeof content === 'string' ? Buffer.from(crlf(content)) : (content ?? Buffer.alloc(0));
  const before = Buffer.from(crlf(trace));
  const states = recipients.map(({ outcome, reached, ...one }, n): RecipientState => ({
    id: n as RecipientId, address: `r${n}@there.example` as Address, ...one, outcome, outcomeAt: (ACCEPTED + 300_000) as Instant, ...(reached === undefined ? {} : { reached }),
  }));
  const message: StoredMessage = {
    id: '01HQUEUEID' as MessageId, recipients: states, facts: factsOf(octets), trace: before, acceptedAt: ACCEPTED as Instant, attempts: 1,
    envelope: {
      reversePath: 'sender@here.example' as Address, body: '7bit', smtputf8: false,
      origin: { source: 'esmtp', protocol: 'ESMTP', at: ACCEPTED, helo: 'client.example', remoteName: 'client.example', remoteAddress: '192.0.2.7' }, ...envelope,
    },
  };
  const stored: StoredContent = { kind: 'content', facts: message.facts, sizeOctets: before.length + octets.length, read: () => [before, octets] };
  const about = { message, recipients: states, ...(content === undefined ? {} : { content: stored }) };
  return kind === 'final' ? { ...about, kind } : { ...about, kind, retryUntil: ACCEPTED + 7 * 86_400_000 };
}

export function crlf(text: string): string {
  return text.replaceAll(/\r?\n/g, '\r\n');
}

export function openCase(options: Partial<ReporterOptions> = {}, log: Log = silent): { readonly desk: Desk; readonly reporter: Reporter } {
  const desk = createDesk();
  const reporter = createReporter({
    intake: desk, me: 'gw.example', postmaster: 'postmaster@gw.example' as Address, kernels: { openScan: createScan },
    clock: createHandClock(ACCEPTED + 301_000), log, ...options,
  });
  return { desk, reporter };
}
