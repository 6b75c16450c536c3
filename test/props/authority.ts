/** Certificates with a chain, made on the spot: an authority, and what it issues (RFC 5280 §4.1). */
import { createPrivateKey, generateKeyPairSync, sign, X509Certificate, type KeyObject } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { der } from './certificate.ts';

export interface Issued {
  /** Its own certificate, PEM. */
  readonly pem: string;
  readonly key: string;
  readonly certificate: X509Certificate;
  /** As a server with the whole chain. */
  readonly context: SecureContext;
  /** Own certificate first, the root last. */
  readonly chain: readonly X509Certificate[];
  issue(name: string, own?: IssueOptions): Issued;
}

export interface IssueOptions {
  readonly authority?: boolean;
  /** `200101000000Z` */
  readonly from?: string;
  readonly to?: string;
  /** SubjectPublicKeyInfo and chain are right, and the signature is another's. */
  readonly forged?: boolean;
  /** OIDs in hexadecimal, as DER has their content. */
  readonly purposes?: readonly string[];
  /** Authorities that may stand below this one. */
  readonly pathLength?: number;
  /** GeneralNames in DER; what this authority may, or may not, vouch for. */
  readonly permitted?: readonly Buffer[];
  readonly excluded?: readonly Buffer[];
  /** In the place of its name as a DNS name. */
  readonly alternatives?: readonly Buffer[];
}

/** GeneralNames (RFC 5280 §4.2.1.6). */
export const generalName = {
  dns: (name: string) => der(0x82, Buffer.from(name)),
  address: (...octets: number[]) => der(0x87, Buffer.of(...octets)),
  email: (address: string) => der(0x81, Buffer.from(address)),
  directory: (name: string) => der(0xa4, nameOf(name)),
};

export function createAuthority(name = 'Test Authority', own: IssueOptions = {}): Issued {
  return make(name, { authority: true, ...own }, null);
}

function make(name: string, options: IssueOptions, issuer: Issued | null): Issued {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signer: KeyObject = options.forged === true ? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey : issuer === null ? privateKey : createPrivateKey(issuer.key);
  const ecdsaSha256 = der(0x30, Buffer.from('06082a8648ce3d040302', 'hex'));
  const subject = nameOf(name);
  const validity = der(0x30, timeOf(options.from ?? '200101000000Z'), timeOf(options.to ?? '21000101000000Z'));
  const extensions = [
    ...(options.alternatives?.length === 0 ? [] : [der(0x30, Buffer.from('0603551d11', 'hex'), der(0x04, der(0x30, ...(options.alternatives ?? [generalName.dns(name.replaceAll(' ', '-'))]))))]),
    ...(options.authority === true ? [der(0x30, Buffer.from('0603551d13', 'hex'), CRITICAL, der(0x04, der(0x30, CRITICAL, ...(options.pathLength === undefined ? [] : [der(0x02, Buffer.of(options.pathLength))]))))] : []),
    ...(options.permitted === undefined && options.excluded === undefined ? [] : [der(0x30, Buffer.from('0603551d1e', 'hex'), CRITICAL, der(0x04, der(0x30, ...subtrees(0xa0, options.permitted), ...subtrees(0xa1, options.excluded))))]),
    ...(options.purposes === undefined ? [] : [der(0x30, Buffer.from('0603551d25', 'hex'), der(0x04, der(0x30, ...options.purposes.map(oid => der(0x06, Buffer.from(oid, 'hex'))))))]),
  ];
  const serial = Buffer.concat([Buffer.of(1), privateKey.export({ type: 'sec1', format: 'der' }).subarray(8, 15)]);
  const toSign = der(
    0x30, Buffer.from('a003020102', 'hex'), der(0x02, serial), ecdsaSha256, issuer === null ? subject : nameOf(issuer.certificate.subject.replace(/^CN=/, '')),
    validity, subject, publicKey.export({ type: 'spki', format: 'der' }), der(0xa3, der(0x30, ...extensions)),
  );
  const whole = der(0x30, toSign, ecdsaSha256, der(0x03, Buffer.of(0), sign('sha256', toSign, signer)));
  const pem = `-----BEGIN CERTIFICATE-----\n${whole.toString('base64').match(/.{1,64}/g)?.join('\n')}\n-----END CERTIFICATE-----\n`;
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const chain = [new X509Certificate(pem), ...(issuer?.chain ?? [])];
  const issued: Issued = {
    pem, key, chain, certificate: chain[0] as X509Certificate,
    context: createSecureContext({ key, cert: chain.map(one => one.toString()).join('') }),
    issue: (leaf, own = {}) => make(leaf, own, issued),
  };
  return issued;
}

/** BOOLEAN TRUE, which is also how an authority says that it is one. */
const CRITICAL = Buffer.from('0101ff', 'hex');

function subtrees(tag: number, bases: readonly Buffer[] = []): readonly Buffer[] {
  return bases.length === 0 ? [] : [der(tag, ...bases.map(base => der(0x30, base)))];
}

function nameOf(name: string): Buffer {
  return der(0x30, der(0x31, der(0x30, Buffer.from('0603550403', 'hex'), der(0x0c, Buffer.from(name)))));
}

function timeOf(text: string): Buffer {
  return der(text.length > 13 ? 0x18 : 0x17, Buffer.from(text));
}
