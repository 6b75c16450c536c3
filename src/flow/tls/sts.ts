/**
 * MTA-STS policies (RFC 8461): found by a TXT record, fetched by HTTPS, kept for as long as they say. A policy that is
 * known holds until it ends, whatever becomes of its record or its web server.
 */
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { TlsFailure } from '../../core/tls.ts';
import { parseStsPolicy, parseStsRecord, type StsPolicy } from '../../grammar/mta-sts.ts';
import type { HttpClient } from '../../kit/net/http-client.ts';
import type { Resolver } from '../../kit/dns/resolver.ts';
import type { StsCache, StsEntry } from './sts-cache.ts';

export type StsFound =
  | { readonly kind: 'policy'; readonly policy: StsPolicy; readonly id: string; readonly why?: string }
  | { readonly kind: 'none'; readonly why: string }
  | { readonly kind: 'trouble'; readonly fault: TlsFailure['type']; readonly why: string };

export interface StsPolicies {
  /** Waits for the network when nothing is known yet. Never rejects. */
  find(domain: string): Promise<StsFound>;
  close(): Promise<void>;
}

export interface StsSettings {
  readonly resolver: Pick<Resolver, 'txt'>;
  readonly http: Pick<HttpClient, 'request'>;
  readonly cache: StsCache;
  readonly clock: Clock;
  readonly log: Log;
}

const FETCH_MS = 60_000; // RFC 8461 §3.3 recommends a minute
const POLICY_OCTETS = 64 * 1024;
/** RFC 8461 §3.3: no more often than this after a failure. */
const AGAIN_MS = 300_000;
const REMEMBERED = 1000;
const REFRESH_MS = 3_600_000;
const REFRESHED_AT_ONCE = 100;

type Fetched = { readonly kind: 'fetched'; readonly entry: StsEntry } | Extract<StsFound, { kind: 'trouble' }>;

export function openStsPolicies({ resolver, http, cache, clock, log }: StsSettings): StsPolicies {
  const underWay = new Map<string, Promise<Fetched>>();
  /** Lately failed, by domain and id. */
  const failed = new Map<string, { readonly until: number; readonly trouble: Extract<StsFound, { kind: 'trouble' }> }>();
  const stopping = new AbortController();

  async function find(domain: string): Promise<StsFound> {
    const [answer, known] = await Promise.all([resolver.txt(`_mta-sts.${domain}`), cache.get(domain)]);
    const entry = known !== null && known.fetchedAt + lifeMs(known) > clock.now() ? known : null;
    const id = answer.kind === 'found' ? parseStsRecord(answer.records) : null;
    if (id === null) {
      const why = answer.kind === 'unavailable' ? answer.why : answer.kind === 'none' ? `no TXT record at _mta-sts.${domain}` : 'its TXT record is not one that RFC 8461 knows';
      // RFC 8461 §5.1: as long as it has not ended, it holds.
      return entry === null ? { kind: 'none', why } : { ...found(entry), why: `kept from before; ${why}` };
    }
    if (entry !== null && entry.id === id) {
      if (isHalfOver(entry)) void fetch(domain, id);
      return found(entry);
    }
    const fetched = await fetch(domain, id);
    if (fetched.kind === 'fetched') return found(fetched.entry);
    return entry === null ? fetched : { ...found(entry), why: `kept from before; the new one: ${fetched.why}` };
  }

  function isHalfOver(entry: StsEntry): boolean {
    return clock.now() - entry.fetchedAt > lifeMs(entry) / 2;
  }

  function fetch(domain: string, id: string): Promise<Fetched> {
    const key = `${domain} ${id}`;
    const lately = failed.get(key);
    if (lately !== undefined && lately.until > clock.now()) return Promise.resolve(lately.trouble);
    const running = underWay.get(domain);
    if (running !== undefined) return running;
    const fetching = fetchNow(domain, id).then(async fetched => {
      underWay.delete(domain);
      failed.delete(key);
      if (fetched.kind === 'fetched') await cache.put(fetched.entry);
      else {
        log.info('mta-sts', { domain, id, why: fetched.why });
        failed.set(key, { until: clock.now() + AGAIN_MS, trouble: fetched });
        if (failed.size > REMEMBERED) failed.delete(failed.keys().next().value as string);
      }
      return fetched;
    });
    underWay.set(domain, fetching);
    return fetching;
  }

  async function fetchNow(domain: string, id: string): Promise<Fetched> {
    const answer = await http.request({
      url: `https://mta-sts.${domain}/.well-known/mta-sts.txt`, timeoutMs: FETCH_MS, limitOctets: POLICY_OCTETS, redirects: 0, signal: stopping.signal,
    });
    if (answer.kind !== 'answer') return { kind: 'trouble', fault: answer.kind === 'tls' ? 'sts-webpki-invalid' : 'sts-policy-fetch-error', why: `the policy cannot be fetched: ${answer.why}` };
    // Redirects too are not followed (RFC 8461 §3.3).
    if (answer.status !== 200) return { kind: 'trouble', fault: 'sts-policy-fetch-error', why: `the policy's server answered ${answer.status}` };
    const type = answer.headers.get('content-type') ?? '';
    if (!/^text\/plain\s*(;|$)/i.test(type)) return { kind: 'trouble', fault: 'sts-policy-invalid', why: `the policy is not text/plain but ${type.slice(0, 60) || 'without a type'}` };
    const parsed = parseStsPolicy(answer.body.toString('utf8'));
    if (parsed.kind === 'wrong') return { kind: 'trouble', fault: 'sts-policy-invalid', why: `the policy is wrong: ${parsed.why}` };
    return { kind: 'fetched', entry: { domain, id, fetchedAt: clock.now(), policy: parsed.policy } };
  }

  /** Policies in use do not end while their server is down for a day. */
  async function keepFresh(): Promise<void> {
    while (!stopping.signal.aborted) {
      await clock.sleepUntil((clock.now() + REFRESH_MS) as ReturnType<Clock['now']>, stopping.signal);
      for (const entry of (await cache.all()).filter(isHalfOver).slice(0, REFRESHED_AT_ONCE)) {
        if (stopping.signal.aborted) return;
        const answer = await resolver.txt(`_mta-sts.${entry.domain}`);
        const id = answer.kind === 'found' ? parseStsRecord(answer.records) : null;
        if (id !== null) await fetch(entry.domain, id);
      }
    }
  }
  const fresh = keepFresh().catch((cause: unknown) => log.error('mta-sts', { cause }));

  return {
    find,
    async close() {
      stopping.abort();
      await Promise.allSettled([fresh, ...underWay.values()]);
    },
  };
}

/** Whoever says 0 must not be asked with every message. */
function lifeMs({ policy }: StsEntry): number {
  return Math.max(policy.maxAgeS * 1000, AGAIN_MS);
}

function found({ policy, id }: StsEntry): Extract<StsFound, { kind: 'policy' }> {
  return { kind: 'policy', policy, id };
}
