/** Keys for tests, and the DNS that publishes them. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import { formatKeyRecord } from '../../src/grammar/dkim/key-record.ts';

export interface TestKey {
  readonly domain: string;
  readonly selector: string;
  readonly key: KeyObject;
  readonly name: string;
  readonly record: string;
}

export function createKey(domain: string, selector: string, kind: 'rsa' | 'ed25519'): TestKey {
  const { privateKey, publicKey } = kind === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ed25519');
  const record = formatKeyRecord(kind === 'rsa' ? 'rsa-sha256' : 'ed25519-sha256', publicKey.export({ type: 'spki', format: 'der' }));
  return { domain, selector, key: privateKey, name: `${selector}._domainkey.${domain}`, record };
}

/** Each signature of a message as mailauth judges it: `example.com/selector pass`. */
export async function judge(content: Uint8Array, keys: readonly Pick<TestKey, 'name' | 'record'>[]): Promise<readonly string[]> {
  const { results } = await dkimVerify(Buffer.from(content), { resolver: name => Promise.resolve(keys.filter(key => key.name === name).map(({ record }) => [record])) });
  return results.map(({ signingDomain, selector, status }) => `${signingDomain ?? ''}/${selector ?? ''} ${status.result}`);
}
