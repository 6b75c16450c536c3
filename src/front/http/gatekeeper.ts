/** Who may look: the Host field against DNS rebinding, and a token where one is set. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';

/**
 * A page of another site can be led to this address under a name of its own, and would then count as the same origin.
 * An address cannot be such a name; other names must be known to be ours.
 */
export function isOurHost(field: string | undefined, names: ReadonlySet<string>): boolean {
  const [, host] = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(?::\d{1,5})?$/i.exec(field ?? '') ?? [];
  if (host === undefined) return false;
  const name = host.toLowerCase().replace(/\.$/, '');
  return name === 'localhost' || isIP(host.replace(/^\[(.*)\]$/, '$1')) !== 0 || names.has(name);
}

/** `Authorization: Bearer TOKEN`, or Basic with the token as password and any name, which every browser can ask for. */
export function mayEnter(authorization: string | undefined, token: string): boolean {
  const [, scheme, given] = /^(bearer|basic) +(\S+)$/i.exec(authorization ?? '') ?? [];
  if (scheme === undefined || given === undefined) return false;
  if (scheme.toLowerCase() === 'bearer') return same(given, token);
  const [, password] = /^[^:]*:(.*)$/s.exec(Buffer.from(given, 'base64').toString()) ?? [];
  return password !== undefined && same(password, token);
}

export function isLoopback(address: string): boolean {
  return /^127\.|^::1$|^::ffff:127\.|^localhost$/.test(address);
}

function same(one: string, other: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
