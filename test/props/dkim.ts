/** Signs messages as RFC 6376 says, with node's own cryptography: the other side of what the gateway verifies. */
import { createHash, generateKeyPairSync, sign as signOctets, type KeyObject } from 'node:crypto';

export interface Signer {
  readonly domain: string;
  readonly selector: string;
  /** What stands at `selector._domainkey.domain`. */
  readonly record: string;
  readonly key: KeyObject;
  readonly algorithm: 'rsa-sha256' | 'rsa-sha1' | 'ed25519-sha256';
}

export function makeSigner(domain: string, selector: string, kind: 'rsa' | 'ed25519' = 'ed25519', bits = 2048): Signer {
  const pair = kind === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: bits }) : generateKeyPairSync('ed25519');
  const der = pair.publicKey.export({ type: 'spki', format: 'der' });
  const p = kind === 'rsa' ? der : der.subarray(-32);
  return { domain, selector, key: pair.privateKey, algorithm: kind === 'rsa' ? 'rsa-sha256' : 'ed25519-sha256', record: `v=DKIM1; k=${kind}; p=${p.toString('base64')}` };
}

export interface Signing {
  readonly headers?: readonly string[];
  /** `l=`: so many octets of the body. */
  readonly length?: number;
  readonly tags?: string;
}

/** The message with a signature on top. Its line ends are CRLF. */
export function signed(message: string, signer: Signer, signing: Signing = {}): string {
  const end = message.indexOf('\r\n\r\n');
  const fields = message.slice(0, end + 2);
  const whole = relaxedBody(message.slice(end + 4));
  const body = signing.length === undefined ? whole : whole.slice(0, signing.length);
  const names = signing.headers ?? ['From', 'To', 'Subject', 'Date'];
  const bh = createHash('sha256').update(body, 'latin1').digest('base64');
  const length = signing.length === undefined ? '' : ` l=${signing.length};`;
  const bare = `DKIM-Signature: v=1; a=${signer.algorithm}; c=relaxed/relaxed; d=${signer.domain}; s=${signer.selector};${length}${signing.tags ?? ''} h=${names.join(':')}; bh=${bh}; b=`;
  return `${bare}${signOf(signer, `${names.map(name => relaxedField(fields, name)).join('')}${relaxed(bare)}`)}\r\n${message}`;
}

function relaxedField(fields: string, name: string): string {
  const all = [...fields.matchAll(new RegExp(`^${name}:[^\\r]*(?:\\r\\n[ \\t][^\\r]*)*\\r\\n`, 'gim'))];
  const last = all.at(-1);
  return last === undefined ? '' : `${relaxed(last[0].slice(0, -2))}\r\n`;
}

function relaxed(field: string): string {
  const colon = field.indexOf(':');
  return `${field.slice(0, colon).toLowerCase().trim()}:${field.slice(colon + 1).replaceAll(/\r\n/g, '').replaceAll(/[ \t]+/g, ' ').trim()}`;
}

function relaxedBody(body: string): string {
  const lines = body.split('\r\n').map(line => line.replaceAll(/[ \t]+/g, ' ').replace(/ $/, ''));
  while (lines.at(-1) === '') lines.pop();
  return lines.length === 0 ? '' : `${lines.join('\r\n')}\r\n`;
}

/** The message with one ARC set on top (RFC 8617 §5.1), by somebody who says that all was well when it passed him. */
export function sealed(message: string, signer: Signer, authServId: string): string {
  const results = `ARC-Authentication-Results: i=1; ${authServId}; dkim=pass`;
  const end = message.indexOf('\r\n\r\n');
  const fields = message.slice(0, end + 2);
  const bh = createHash('sha256').update(relaxedBody(message.slice(end + 4)), 'latin1').digest('base64');
  const names = ['From', 'To', 'Subject', 'Date'];
  const signature = `ARC-Message-Signature: i=1; a=${signer.algorithm}; c=relaxed/relaxed; d=${signer.domain}; s=${signer.selector}; h=${names.join(':')}; bh=${bh}; b=`;
  const signedSet = `${signature}${signOf(signer, `${names.map(name => relaxedField(fields, name)).join('')}${relaxed(signature)}`)}`;
  const seal = `ARC-Seal: i=1; a=${signer.algorithm}; cv=none; d=${signer.domain}; s=${signer.selector}; b=`;
  const value = signOf(signer, `${relaxed(results)}\r\n${relaxed(signedSet)}\r\n${relaxed(seal)}`);
  return `${seal}${value}\r\n${signedSet}\r\n${results}\r\n${message}`;
}

function signOf(signer: Signer, text: string): string {
  const octets = Buffer.from(text, 'latin1');
  const value = signer.algorithm === 'rsa-sha256' ? signOctets('sha256', octets, signer.key) : signOctets(null, createHash('sha256').update(octets).digest(), signer.key);
  return value.toString('base64');
}
