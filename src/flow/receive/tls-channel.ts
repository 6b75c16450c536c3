/** What is known of a TLS connection once it stands: how it is encrypted, who the client is, what binds a login to it. */
import { X509Certificate, createHash } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { BindingType } from '../../grammar/sasl/mechanisms.ts';

export interface TlsChannel {
  readonly version: string;
  readonly cipher: string;
  /** From the subject of a client certificate that our authorities vouch for; null without one. */
  readonly identity: string | null;
  /** Why a client certificate that was shown counts for nothing. */
  readonly distrust?: string;
  /** Data for SASL channel binding. */
  binding(type: BindingType): Uint8Array | null;
}

const EXPORTER_LABEL = 'EXPORTER-Channel-Binding'; // RFC 9266 §2
const EXPORTER_OCTETS = 32;
/** RFC 5929 §4.1: the certificate's own hash, but never one of these. */
const WEAK: readonly string[] = ['md5', 'sha1'];

/** `subjectField`: which part of the subject names the account (TLS_EXTERNAL); without it nobody is known by certificate. */
export function describeChannel(socket: TLSSocket, subjectField: string | undefined): TlsChannel {
  const version = socket.getProtocol() ?? 'TLS';
  const { distrust, identity } = readClient(socket, subjectField);
  return {
    version,
    cipher: socket.getCipher().name,
    identity,
    ...(distrust === undefined ? {} : { distrust }),
    binding(type) {
      // RFC 9266 §4.2: before TLS 1.3 the exporter is unique only with the extended master secret, which Node does not tell.
      if (type === 'tls-exporter') return version === 'TLSv1.3' ? socket.exportKeyingMaterial(EXPORTER_OCTETS, EXPORTER_LABEL, Buffer.alloc(0)) : null;
      return endPoint(socket);
    },
  };
}

function readClient(socket: TLSSocket, subjectField: string | undefined): { readonly identity: string | null; readonly distrust?: string } {
  if (subjectField === undefined) return { identity: null };
  const certificate = socket.getPeerCertificate();
  if (Object.keys(certificate).length === 0) return { identity: null };
  if (!socket.authorized) return { identity: null, distrust: String(socket.authorizationError) };
  const field = Object.entries(certificate.subject).find(([name]) => name.toLowerCase() === subjectField.toLowerCase());
  const value: unknown = field?.[1];
  // Two names are no name: whoever issued the certificate has to say which.
  if (typeof value !== 'string' || value === '' || /[\0\r\n]/.test(value)) return { identity: null, distrust: `its subject has not one ${subjectField}` };
  return { identity: value };
}

/** Hash of the certificate that we showed (RFC 5929 §4.1). */
function endPoint(socket: TLSSocket): Uint8Array | null {
  const shown = socket.getCertificate();
  const raw = shown !== null && 'raw' in shown && shown.raw instanceof Buffer ? shown.raw : null;
  if (raw === null) return null;
  const { signatureAlgorithm } = new X509Certificate(raw);
  // RFC 5929 §4.1: undefined where the signature uses no single hash (Ed25519).
  const digest = /md5|sha1|sha224|sha256|sha384|sha512/i.exec(signatureAlgorithm ?? '')?.[0].toLowerCase();
  if (digest === undefined) return null;
  return createHash(WEAK.includes(digest) ? 'sha256' : digest).update(raw).digest();
}
