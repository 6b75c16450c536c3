/** DNS over HTTPS (RFC 8484): a question in a POST, by the HTTP client, so through whatever proxy that has. */
import type { Exchanged } from './exchange.ts';
import type { HttpClient } from '../net/http-client.ts';

export interface HttpsUpstream {
  /** For words about it. */
  readonly name: string;
  /** Believe its AD bit. */
  readonly trustAd: boolean;
  /** Never rejects. The id of the question is 0, so that caches on the way know it again (RFC 8484 §4.1). */
  ask(query: Buffer, timeoutMs: number): Promise<Exchanged<Buffer>>;
}

const MEDIA_TYPE = 'application/dns-message';
const LONGEST_MESSAGE = 65_535;

export function createHttpsUpstream(http: Pick<HttpClient, 'request'>, url: string, trustAd: boolean): HttpsUpstream {
  return {
    name: new URL(url).host,
    trustAd,
    async ask(query, timeoutMs) {
      const answer = await http.request({ method: 'POST', url, headers: { 'content-type': MEDIA_TYPE, accept: MEDIA_TYPE }, body: query, timeoutMs, limitOctets: LONGEST_MESSAGE });
      if (answer.kind !== 'answer') return { kind: 'silent', why: answer.why };
      if (answer.status < 200 || answer.status > 299) return { kind: 'silent', why: `HTTP status ${answer.status}` };
      const type = answer.headers.get('content-type') ?? '';
      return type.toLowerCase().startsWith(MEDIA_TYPE) ? { kind: 'answered', value: answer.body } : { kind: 'silent', why: `an answer that is no DNS message but ${type.slice(0, 60) || 'untyped'}` };
    },
  };
}
