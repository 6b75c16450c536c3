/**
 * Who sent it, and when: HMAC-SHA256 (RFC 2104) over the timestamp, a dot and the body, octet by octet as sent. Whoever
 * takes events compares it, and refuses timestamps that are minutes off, so that nobody plays them again.
 */
import { createHmac } from 'node:crypto';

export function signatureFields(secret: string, body: string, at: number): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(at / 1000));
  return { 'posthorn-timestamp': timestamp, 'posthorn-signature': `v1=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}` };
}
