/** TLS on a connection that exists, judged by authorities or by DANE; what it came to, in words and as a kind of fault. */
import { X509Certificate } from 'node:crypto';
import { isIP, type Socket } from 'node:net';
import { checkServerIdentity, connect as secure, type DetailedPeerCertificate, type PeerCertificate, type TLSSocket } from 'node:tls';
import { matchChain, type DaneDemand } from './dane.ts';
import type { Deadlines } from '../deadlines.ts';
import { watch } from '../watch.ts';

export interface TlsRequest {
  /** Name to show (SNI) and to verify. */
  readonly host: string;
  readonly verify: boolean;
  /** Any of these will do instead. */
  readonly names?: readonly string[];
  readonly ca?: readonly string[];
  /** Judges alone: authorities, and `verify`, are not asked. */
  readonly dane?: DaneDemand;
  /** Our own certificate and its key, PEM, for a peer that asks. */
  readonly identity?: { readonly certificate: string; readonly key: string };
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** RFC 8460 §4.3.1 */
export type TlsFault = 'certificate-host-mismatch' | 'certificate-expired' | 'certificate-not-trusted' | 'validation-failure';

export interface TlsState {
  /** `TLSv1.3 TLS_AES_256_GCM_SHA384` */
  readonly cipher: string;
  /** Somebody vouches for the peer. */
  readonly verified: boolean;
  /** What an authority would not vouch for, where nobody had asked for it. */
  readonly flaw?: { readonly type: TlsFault; readonly why: string };
}

export type Secured =
  | { readonly kind: 'secured'; readonly socket: TLSSocket; readonly tls: TlsState }
  | { readonly kind: 'failed'; readonly why: string; readonly fault: TlsFault }
  | { readonly kind: 'timeout' | 'aborted'; readonly why: string };

export type StartTls = (socket: Socket, request: TlsRequest) => Promise<Secured>;

/** Octets that came in plain before the handshake belong to nobody and must be gone (RFC 3207 §6). */
export function createStartTls(deadlines: Deadlines): StartTls {
  return (socket, request) => new Promise(resolve => {
    if (request.signal?.aborted === true || socket.destroyed) {
      socket.destroy();
      return resolve({ kind: 'aborted', why: 'the connection is gone' });
    }
    const { dane, names, identity } = request;
    const shown = dane?.base ?? request.host;
    const tls = secure({
      socket,
      // A self-signed certificate that DNS vouches for is a good one: it is looked at when the handshake is done.
      rejectUnauthorized: request.verify && dane === undefined,
      ...(isIP(shown) === 0 ? { servername: shown } : { host: shown }),
      ...(request.ca === undefined ? {} : { ca: [...request.ca] }),
      ...(identity === undefined ? {} : { cert: identity.certificate, key: identity.key }),
      ...(names === undefined ? {} : { checkServerIdentity: (_host, certificate) => identityOf(names, certificate) }),
    });
    const end = (secured: Secured) => {
      guard.end();
      tls.off('secureConnect', done);
      tls.off('error', failed);
      tls.off('close', closed);
      if (secured.kind !== 'secured') {
        tls.on('error', () => undefined);
        tls.destroy();
        socket.destroy();
      }
      resolve(secured);
    };
    const done = () => {
      tls.pause();
      end(judge(tls, dane));
    };
    const failed = (error: NodeJS.ErrnoException) => end({ kind: 'failed', why: `TLS: ${error.message}`, fault: faultOf(error.code) });
    const closed = () => end({ kind: 'failed', why: 'TLS: the peer closed the connection during the handshake', fault: 'validation-failure' });
    const guard = watch(deadlines, request, late => end({ kind: late.kind, why: `TLS: ${late.why}` }));
    tls.on('secureConnect', done);
    tls.on('error', failed);
    tls.on('close', closed);
  });
}

function judge(tls: TLSSocket, dane: DaneDemand | undefined): Secured {
  const cipher = `${tls.getProtocol() ?? 'TLS'} ${tls.getCipher().name}`;
  if (dane !== undefined) {
    const matched = matchChain(chainOf(tls), dane, Date.now());
    if (matched.kind === 'unmatched') return { kind: 'failed', why: `DANE: ${matched.why}`, fault: matched.fault };
    return { kind: 'secured', socket: tls, tls: { cipher, verified: true } };
  }
  if (tls.authorized) return { kind: 'secured', socket: tls, tls: { cipher, verified: true } };
  // Node says Error and means the code of one.
  const code = String(tls.authorizationError);
  return { kind: 'secured', socket: tls, tls: { cipher, verified: false, flaw: { type: faultOf(code), why: code } } };
}

/** As the peer sent it, and as the system's store goes on. */
function chainOf(tls: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let one: DetailedPeerCertificate | undefined = tls.getPeerCertificate(true);
  // A peer without a certificate has an empty object.
  while (one !== undefined && (one.raw as Buffer | undefined) !== undefined && chain.length < LONGEST_CHAIN) {
    chain.push(new X509Certificate(one.raw));
    one = one.issuerCertificate === one ? undefined : one.issuerCertificate;
  }
  return chain;
}

const LONGEST_CHAIN = 20;

function identityOf(names: readonly string[], certificate: PeerCertificate): Error | undefined {
  const errors = names.map(name => checkServerIdentity(name, certificate));
  return errors.includes(undefined) ? undefined : errors[0];
}

function faultOf(code: string | undefined): TlsFault {
  if (code === undefined) return 'validation-failure';
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') return 'certificate-expired';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'certificate-host-mismatch';
  return UNTRUSTED.has(code) ? 'certificate-not-trusted' : 'validation-failure';
}

const UNTRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'CERT_UNTRUSTED', 'CERT_REVOKED', 'INVALID_CA',
]);
