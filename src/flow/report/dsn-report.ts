/** Telling the sender, or in his absence the postmaster: one message, by the door that everybody's mail takes. */
import { createHash } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import type { Address } from '../../core/envelope.ts';
import type { Intake, MailOptions } from '../../core/intake.ts';
import type { Kernels } from '../../core/kernels.ts';
import type { Log } from '../../core/log.ts';
import type { RecipientState, StoredMessage } from '../../core/queue-store.ts';
import type { Reporter, ReportNews } from '../../core/report.ts';
import type { Refusal } from '../../core/status.ts';
import { asciiDomain } from '../../grammar/domain.ts';
import { sourceTag } from '../../grammar/filter/control-file.ts';
import { encodeNamedAddress } from '../../grammar/mime/encoded-word.ts';
import { compose } from './composition.ts';
import { queueLetter } from './letter.ts';
import { DOUBLE_BOUNCE, dutyOf, returnsWhole, type Duty, type Wishes } from './duty.ts';
import { occursIn, returnHeader, returnWhole, type Returned } from './returned.ts';
import { ownTexts, type ReportTexts } from './texts.ts';

export interface ReporterOptions {
  readonly intake: Intake;
  /** Our name. */
  readonly me: string;
  /** The From field's text (`dsnfrom`); absent: the gateway's MAILER-DAEMON. */
  readonly dsnFrom?: string;
  /** Messages below this are returned whole with a failure (`dsnlimit`). */
  readonly dsnLimitOctets?: number;
  /** Who hears of failures when there is no sender. */
  readonly postmaster: Address;
  readonly texts?: Partial<ReportTexts>;
  readonly wishes?: Wishes;
  readonly kernels: Pick<Kernels, 'openScan'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Courier's dsnlimit. */
const DSN_LIMIT_OCTETS = 32_768;

export function createReporter(options: ReporterOptions): Reporter {
  const { intake, kernels, clock, log, postmaster } = options;
  const limitOctets = options.dsnLimitOctets ?? DSN_LIMIT_OCTETS;
  const host = asciiDomain(options.me) ?? options.me;
  const from = fromField(options.me, options.dsnFrom);
  const texts: ReportTexts = { ...ownTexts, ...options.texts };

  async function report(news: ReportNews): Promise<'settled' | 'deferred'> {
    const duty = dutyOf(news, postmaster, options.wishes);
    const { id } = news.message;
    if (duty.kind === 'nobody') return 'settled';
    if (duty.kind === 'dropped') {
      log.warn('report-dropped', { id, why: 'a report to the postmaster failed', addr: duty.recipients.map(one => one.address) });
      return 'settled';
    }
    const refusal = await submit(news, duty);
    if (refusal === null) return 'settled';
    log.warn('report-refused', { id, to: duty.to, reply: refusal.reply, code: refusal.status, text: refusal.text, why: refusal.why });
    if (refusal.reply < 500) return 'deferred';
    // Our own door will never take it: the sender's address is none, so there is no sender.
    if (duty.kind === 'postmaster' || news.kind === 'delay') return 'settled';
    const failed = duty.recipients.filter(one => one.outcome?.kind === 'failed');
    if (failed.length === 0) return 'settled';
    const again = await submit(news, { kind: 'postmaster', to: postmaster, recipients: failed });
    if (again !== null && again.reply < 500) return 'deferred';
    if (again !== null) log.error('error', { where: 'report', what: 'neither the sender nor the postmaster can be told', id, code: again.status, why: again.why ?? again.text });
    return 'settled';
  }

  /** Null: it is queued. */
  async function submit(news: ReportNews, duty: Extract<Duty, { to: Address }>): Promise<Refusal | null> {
    const { message } = news;
    // A report leaves as the message came: by its virtual host.
    const { virtualHost } = message.envelope.origin;
    const at = clock.now();
    const double = duty.kind === 'postmaster';
    const key = keyOf(news.key ?? message.id, double ? 'double' : news.kind, duty.recipients);
    const returned = await returnedOf(news, duty);
    const composition = compose({
      message, recipients: duty.recipients, to: duty.to, retryUntil: news.kind === 'delay' ? news.retryUntil : null, returned,
      me: options.me, from, messageIdField: `dsn.${key.replaceAll(':', '.')}@${host}`, at, texts,
      boundary: await boundaryFor(key, returned),
    });
    const queued = await queueLetter(intake, kernels, {
      origin: { source: 'dsn', protocol: double ? DOUBLE_BOUNCE : 'dsn', about: sourceTag(message.envelope.origin), at, ...(virtualHost === undefined ? {} : { virtualHost }) }, key, to: duty.to,
      mail: { body: composition.body, smtputf8: composition.smtputf8, ...demandsOf(message) },
      async *pieces() {
        yield Buffer.from(composition.head);
        yield* returned?.read() ?? [];
        yield Buffer.from(composition.tail);
      },
    });
    if (queued.kind === 'refused') return queued;
    log.info('report', { id: message.id, report: queued.id, to: duty.to, about: duty.recipients.length, kind: double ? 'double' : news.kind });
    return null;
  }

  async function returnedOf(news: ReportNews, duty: Duty & { readonly recipients: readonly RecipientState[] }): Promise<Returned | null> {
    const { content, message } = news;
    if (content === undefined) return null;
    return returnsWhole(message, duty.recipients, duty.kind, limitOctets)
      ? returnWhole(content, message.trace)
      : await returnHeader(content, message.trace.length, limitOctets);
  }

  return { report };
}

/** What is said about a message may be no less safe on its way than the message was (RFC 8689 §5, courier-core 1.6). */
function demandsOf({ envelope: { security, requireTls } }: StoredMessage): Pick<MailOptions, 'security' | 'requireTls'> {
  return { ...(security === undefined ? {} : { security }), ...(requireTls === undefined ? {} : { requireTls }) };
}

/**
 * Starts with the parent's id, as the store wants it. A final report is about recipients who became final together, a
 * set that no crash changes; a delay warning goes out once a message, whoever was still waiting when it did.
 */
function keyOf(parent: string, kind: 'final' | 'delay' | 'double', recipients: readonly RecipientState[]): string {
  if (kind === 'delay') return `${parent}:delay`;
  const ids = recipients.map(one => one.id).sort((a, b) => a - b);
  return `${parent}:${kind}:${createHash('sha256').update(ids.join(',')).digest('hex').slice(0, 24)}`;
}

/** RFC 2046 §5.1.1: it must not occur in what it bounds. */
async function boundaryFor(key: string, returned: Returned | null): Promise<string> {
  for (let n = 0; ; n++) {
    const boundary = `=_${createHash('sha256').update(`${key}:${n}`).digest('hex').slice(0, 24)}`;
    if (returned === null || !(await occursIn(returned.read(), boundary))) return boundary;
  }
}

/** The From field's text (`dsnfrom`), or the gateway's own. */
export function fromField(me: string, dsnFrom: string | undefined): string {
  const host = asciiDomain(me) ?? me;
  return encodeNamedAddress(oneLine(dsnFrom ?? `"Mail gateway at ${host}" <MAILER-DAEMON@${host}>`));
}

function oneLine(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f]+/g, ' ').trim();
}
