/** A report as mail (RFC 8460 §5.3). */
import type { TlsResults } from '../../core/tls.ts';
import { formatDate } from '../../grammar/date.ts';
import { reportFileName, reportId, type Reporter } from '../../grammar/tls-report.ts';
import type { Instant } from '../../core/clock.ts';

export interface ReportLetter {
  readonly from: string;
  readonly to: string;
  readonly at: Instant;
  readonly reporter: Reporter;
  readonly results: Pick<TlsResults, 'day' | 'domain'>;
  /** The report, compressed. */
  readonly gzip: Buffer;
}

export function composeReportLetter({ from, to, at, reporter, results, gzip }: ReportLetter): Buffer {
  const { domain, day } = results;
  const id = reportId(results, reporter);
  const boundary = `=_tlsrpt.${day}.${at}`;
  const base64 = gzip.toString('base64').replaceAll(/.{76}/g, '$&\r\n');
  const lines = [
    `From: ${from}`,
    `To: <${to}>`,
    `Date: ${formatDate(at)}`,
    `Message-ID: <tlsrpt.${day}.${at}.${domain}@${reporter.me}>`,
    `Subject: Report Domain: ${domain} Submitter: ${reporter.me} Report-ID: <${id}>`,
    `TLS-Report-Domain: ${domain}`,
    `TLS-Report-Submitter: ${reporter.me}`,
    // It tells of TLS that does not work: it must not need what does not work (RFC 8460 §3, RFC 8689 §5).
    'TLS-Required: No',
    'Auto-Submitted: auto-generated',
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type="tlsrpt"; boundary="${boundary}"`,
    '',
    `--${boundary}`,
    'Content-Type: text/plain; charset=us-ascii',
    'Content-Transfer-Encoding: 7bit',
    '',
    `This is an aggregate TLS report of ${reporter.me} about mail to ${domain} on ${day} (UTC).`,
    `Questions go to ${reporter.contact}.`,
    '',
    `--${boundary}`,
    'Content-Type: application/tlsrpt+gzip',
    'Content-Transfer-Encoding: base64',
    `Content-Disposition: attachment; filename="${reportFileName(results, reporter)}"`,
    '',
    base64.trimEnd(),
    `--${boundary}--`,
    '',
  ];
  return Buffer.from(lines.join('\r\n'));
}
