/**
 * Variable envelope return paths (Courier's XVERP): a message whose sender asked for it shows each recipient a sender
 * address of its own, `list-bob=there.example@here.example`, so that what comes back names by its address whom it is
 * about. Which recipient an address names is read back from its last `=` and the last `-` before it.
 */
import type { Address, Envelope, ReversePath } from '../core/envelope.ts';
import { domainOf, localPart, needsSmtputf8, parseAddress, unquotedLocalPart } from './address.ts';
import { asciiDomain } from './domain.ts';

export interface VerpNames {
  readonly sender: Address;
  readonly recipient: Address;
}

/** The sender that one recipient sees: encoded where the message asks for it. The null sender never is (RFC 5321 §4.5.5). */
export function senderFor({ reversePath, verp }: Pick<Envelope, 'reversePath' | 'verp'>, recipient: Address): ReversePath {
  if (verp !== true || reversePath === null) return reversePath;
  // Two addresses may be too long to be one. Reports to the list's own address are better than none.
  return encodeVerp(reversePath, recipient) ?? reversePath;
}

/** Null: the sender has no domain to come back to, or what comes out is no address. */
export function encodeVerp(sender: Address, recipient: Address): Address | null {
  const home = domainOf(sender);
  if (home === '') return null;
  const domain = domainOf(recipient);
  // A domain goes out in A-labels wherever that alone keeps the address ASCII, as it does in RCPT.
  const shown = needsSmtputf8(recipient) ? domain : (asciiDomain(domain) ?? domain);
  const name = unquotedLocalPart(recipient);
  // Without a domain it is a path of another network, and no `=` may stand where the last one means the `@`.
  const encoded = domain === '' ? encode(name).replaceAll('=', '+3D') : `${encode(name)}=${encode(shown)}`;
  return fromParts(`${unquotedLocalPart(sender)}-${encoded}`, home);
}

/** Null: it is no address that encodeVerp() makes. */
export function decodeVerp(address: Address): VerpNames | null {
  const whole = unquotedLocalPart(address);
  const equals = whole.lastIndexOf('=');
  // The recipient's part has no dash of its own: each is written +2D.
  const dash = whole.lastIndexOf('-');
  if (dash <= 0) return null;
  const name = decode(equals < dash ? whole.slice(dash + 1) : whole.slice(dash + 1, equals));
  const domain = equals < dash ? '' : decode(whole.slice(equals + 1));
  if (name === '' || (equals > dash && domain === '')) return null;
  const recipient = fromParts(name, domain);
  const sender = fromParts(whole.slice(0, dash), domainOf(address));
  return recipient === null || sender === null ? null : { sender, recipient };
}

const MISREAD = /[@:%![\]+-]/g;

function encode(text: string): string {
  return text.replaceAll(MISREAD, char => `+${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function decode(text: string): string {
  return text.replaceAll(/\+([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

/** Quoted where it must be: parseAddress takes off quotes that need not stand. */
function fromParts(unquoted: string, domain: string): Address | null {
  const quoted = `"${unquoted.replaceAll(/["\\]/g, '\\$&')}"`;
  const address = parseAddress(domain === '' ? quoted : `${quoted}@${domain}`);
  // A quoted local-part is text that must come back as it went in.
  return address === null || localPart(address) === '' ? null : address;
}
