/** A public key in DNS (RFC 6376 §3.6.1). */
import type { DkimAlgorithm } from './signature.ts';

/** `publicKey`: the key's DER of SubjectPublicKeyInfo; of an Ed25519 key the 32 octets at its end are published (RFC 8463 §4). */
export function formatKeyRecord(algorithm: DkimAlgorithm, publicKey: Buffer): string {
  return algorithm === 'rsa-sha256' ? `v=DKIM1; k=rsa; p=${publicKey.toString('base64')}` : `v=DKIM1; k=ed25519; p=${publicKey.subarray(-32).toString('base64')}`;
}

/** A line of a zone file; a string in DNS has at most 255 octets (RFC 1035 §3.3). */
export function formatZoneLine(name: string, record: string): string {
  const strings = record.match(/.{1,255}/g) ?? [];
  const text = strings.map(one => `"${one}"`);
  return text.length === 1 ? `${name}. IN TXT ${text[0]}` : `${name}. IN TXT ( ${text.join('\n    ')} )`;
}

/** What the record says of the key; null: it is no key record. An empty `p` is a key withdrawn. */
export function parseKeyRecord(text: string): { readonly kind: string; readonly key: string } | null {
  const tags = new Map(text.split(';').map(tag => {
    const at = tag.indexOf('=');
    return [tag.slice(0, Math.max(0, at)).trim(), tag.slice(at + 1).replaceAll(/\s/g, '')];
  }));
  const version = tags.get('v');
  const key = tags.get('p');
  return key === undefined || (version !== undefined && version !== 'DKIM1') ? null : { kind: tags.get('k') ?? 'rsa', key };
}
