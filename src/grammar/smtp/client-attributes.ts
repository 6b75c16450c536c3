/** The arguments of Postfix's XCLIENT and XFORWARD: `NAME=value`, values in xtext, `[UNAVAILABLE]` for what is not known. */
import { formatIpAddress, parseIpAddress } from '../config/network.ts';
import { decodeXtext } from '../xtext.ts';

/** null: not known. What is not in it was not said. */
export type ClientAttributes = ReadonlyMap<string, string | null>;

export const xclientNames = ['NAME', 'ADDR', 'PORT', 'PROTO', 'HELO', 'LOGIN', 'DESTADDR', 'DESTPORT'] as const;
export const xforwardNames = ['NAME', 'ADDR', 'PORT', 'PROTO', 'HELO', 'IDENT', 'SOURCE'] as const;

const VALUE_CHARS = 255;

/** Null when anything of it is not as documented: half of an identity is another identity. */
export function parseClientAttributes(argument: string, names: readonly string[]): ClientAttributes | null {
  const attributes = new Map<string, string | null>();
  for (const word of argument.split(' ').filter(one => one !== '')) {
    const at = word.indexOf('=');
    const name = word.slice(0, Math.max(at, 0)).toUpperCase();
    const value = at < 0 ? undefined : readValue(name, word.slice(at + 1));
    if (value === undefined || !names.includes(name) || attributes.has(name)) return null;
    attributes.set(name, value);
  }
  return attributes.size === 0 ? null : attributes;
}

/** undefined: not a value of that name. */
function readValue(name: string, text: string): string | null | undefined {
  if (/^\[(?:UNAVAILABLE|TEMPUNAVAIL)\]$/i.test(text)) return null;
  const value = decodeXtext(text);
  if (value === null || value === '' || value.length > VALUE_CHARS || /[\u0000-\u001f\u007f]/.test(value)) return undefined;
  switch (name) {
    case 'ADDR':
    case 'DESTADDR': {
      const six = /^IPV6:/i.test(value);
      const address = parseIpAddress(value.replace(/^IPV6:/i, ''));
      return address === null || (!six && value.includes(':')) ? undefined : formatIpAddress(address);
    }
    case 'PORT':
    case 'DESTPORT':
      return /^\d{1,5}$/.test(value) && Number(value) <= 65_535 ? value : undefined;
    case 'PROTO':
      return /^(?:E?SMTP|LMTP)$/i.test(value) ? value.toUpperCase() : undefined;
    case 'SOURCE':
      return /^(?:LOCAL|REMOTE)$/i.test(value) ? value.toUpperCase() : undefined;
    case 'NAME':
      return /^[A-Za-z0-9._-]+$/.test(value) ? value : undefined;
    default:
      return value;
  }
}
