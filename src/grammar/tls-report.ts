/** TLS reports (RFC 8460): the record that asks for them, and what they look like. Pure. */
import type { TlsResults } from '../core/tls.ts';

export type ReportAddress = { readonly kind: 'mailto'; readonly address: string } | { readonly kind: 'https'; readonly url: string };

const ADDRESSES = 10;

/** Whom a domain wants told, or null when it does not ask: no record, several, or one that is not right (RFC 8460 §3). */
export function parseReportRecord(texts: readonly string[]): readonly ReportAddress[] | null {
  const records = texts.filter(text => /^v=TLSRPTv1\s*;/.test(text));
  const [record] = records;
  if (record === undefined || records.length > 1) return null;
  const fields = record.split(';').slice(1).map(field => field.trim());
  const rua = fields.filter(field => /^rua\s*=/.test(field));
  if (rua.length !== 1) return null;
  const addresses = (rua[0] ?? '').replace(/^rua\s*=\s*/, '').split(',').map(part => parseAddress(part.trim())).filter(one => one !== null);
  return addresses.length === 0 ? null : addresses.slice(0, ADDRESSES);
}

function parseAddress(text: string): ReportAddress | null {
  const url = URL.parse(text);
  if (url?.protocol === 'https:' && url.username === '' && url.password === '') return { kind: 'https', url: url.href };
  if (url?.protocol !== 'mailto:') return null;
  try {
    const address = decodeURIComponent(url.pathname);
    return /^[^\s<>,@]+@[^\s<>,@]+$/.test(address) ? { kind: 'mailto', address } : null;
  } catch {
    return null; // a % that is no escape
  }
}

export interface Reporter {
  readonly organization: string;
  readonly contact: string;
  /** Our name in A-labels. */
  readonly me: string;
}

export function reportId({ day, domain }: Pick<TlsResults, 'day' | 'domain'>, { me }: Pick<Reporter, 'me'>): string {
  return `${day}.${domain}@${me}`;
}

/** As RFC 8460 §4.4 has it; fields in its order, so that two of us write the same. */
export function formatReport(results: TlsResults, reporter: Reporter): string {
  const { day, domain, policies } = results;
  const report = {
    'organization-name': reporter.organization,
    'date-range': { 'start-datetime': `${day}T00:00:00Z`, 'end-datetime': `${day}T23:59:59Z` },
    'contact-info': reporter.contact,
    'report-id': reportId(results, reporter),
    'policies': policies.map(({ kind, lines, mxHosts, successes, failures, details }) => ({
      'policy': {
        'policy-type': kind,
        ...(lines.length === 0 ? {} : { 'policy-string': lines }),
        'policy-domain': domain,
        ...(mxHosts === undefined ? {} : { 'mx-host': mxHosts }),
      },
      'summary': { 'total-successful-session-count': successes, 'total-failure-session-count': failures },
      ...(details.length === 0 ? {} : {
        'failure-details': details.map(({ type, mx, address, count, why }) => ({
          'result-type': type,
          'receiving-mx-hostname': mx,
          ...(address === undefined ? {} : { 'receiving-ip': address }),
          'failed-session-count': count,
          'failure-reason-code': why,
        })),
      }),
    })),
  };
  return `${JSON.stringify(report)}\n`;
}

/** RFC 8460 §5.1 */
export function reportFileName({ day, domain }: Pick<TlsResults, 'day' | 'domain'>, { me }: Pick<Reporter, 'me'>): string {
  const begin = Date.parse(`${day}T00:00:00Z`) / 1000;
  return `${me}!${domain}!${begin}!${begin + 86_399}.json.gz`;
}
