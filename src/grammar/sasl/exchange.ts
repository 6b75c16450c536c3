/** What every SASL exchange is, seen from the server (RFC 4422 §3), and the reading of its lines. */
import type { Proof, ScramDigest } from '../../core/auth.ts';

export type Mechanism =
  | 'PLAIN' | 'LOGIN' | 'CRAM-MD5' | 'CRAM-SHA1' | 'CRAM-SHA256' | 'EXTERNAL'
  | 'SCRAM-SHA-1' | 'SCRAM-SHA-1-PLUS' | 'SCRAM-SHA-256' | 'SCRAM-SHA-256-PLUS'
  | 'XOAUTH2' | 'OAUTHBEARER';

export type Step =
  /** Base64, for the peer. */
  | { readonly kind: 'challenge'; readonly text: string }
  /** The backend's salt is wanted; salted() goes on. */
  | { readonly kind: 'salt'; readonly login: string; readonly digest: ScramDigest }
  | { readonly kind: 'proof'; readonly login: string; readonly proof: Proof }
  /** Proved by the connection already; whether there is such an account is still to be found. */
  | { readonly kind: 'identity'; readonly login: string }
  /** The client has heard the last word, after accepted(). */
  | { readonly kind: 'done' }
  /** Not what the mechanism asks for: 501 (RFC 4954 §4). */
  | { readonly kind: 'malformed'; readonly why: string }
  /** Well formed, but nobody can be this: 535. */
  | { readonly kind: 'hopeless'; readonly why: string }
  /** The client has heard why, after rejected(): 535. */
  | { readonly kind: 'told' };

export interface Exchange {
  readonly mechanism: Mechanism;
  /** `initial` is the word after the mechanism, null when there was none; `=` is an empty response (RFC 4954 §4). */
  begin(initial: string | null): Step;
  /** A line of base64. */
  answer(line: string): Step;
  salted?(salt: Uint8Array, iterations: number): Step;
  /** What the client still has to hear of its proof, and answer, before the reply; absent: nothing. */
  accepted?(serverSignature: Uint8Array | undefined): Step;
  rejected?(): Step;
}

export type BindingType = 'tls-exporter' | 'tls-server-end-point';

export interface ExchangeSetting {
  readonly service: 'esmtp' | 'imap' | 'pop3' | 'webmail';
  /** `<unique@host>`; must never repeat (RFC 2195 §2). */
  readonly challenge: () => string;
  /** Printable, without a comma, never the same (RFC 5802 §5.1). */
  readonly nonce?: () => string;
  /** Data of the TLS channel (RFC 5929 §4, RFC 9266 §2); null where it has none of that type. */
  readonly binding?: (type: BindingType) => Uint8Array | null;
  /** A mechanism with channel binding was offered to this client. */
  readonly offersBinding?: boolean;
  /** Who the verified certificate of the client is. */
  readonly identity?: string | null;
}

/** Strict: RFC 4954 §4 wants 501 for anything that is not base64, and a lenient decoder hides a cut line. */
export function decodeBase64(line: string): string | null {
  const octets = decodeOctets(line);
  if (octets === null) return null;
  const text = octets.toString('utf8');
  return Buffer.from(text).equals(octets) ? text : null;
}

export function decodeOctets(line: string): Buffer | null {
  if (line === '=') return Buffer.alloc(0);
  return line.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(line) ? Buffer.from(line, 'base64') : null;
}

export function challenge(text: string): Step {
  return { kind: 'challenge', text: Buffer.from(text).toString('base64') };
}

export function malformed(why: string): Step {
  return { kind: 'malformed', why };
}

export function hopeless(why: string): Step {
  return { kind: 'hopeless', why };
}
