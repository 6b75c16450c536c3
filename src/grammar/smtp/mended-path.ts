/**
 * QUIRK: MAIL and RCPT as the firmware of printers, UPSes and cameras writes them, put into the form of RFC 5321 §4.1.2:
 * no angle brackets, a blank before the colon or no colon, a display name, a bare IPv4 address as domain, parameters after
 * HELO. Held by test/unit/grammar/mended-path.test.ts.
 */
import { isIpv4 } from '../domain.ts';

/** Parameters that are understood; of such clients the others mean nothing. */
const PARAMETERS = /^(?:SIZE|BODY|SMTPUTF8|RET|ENVID|NOTIFY|ORCPT)(?:=|$)/i;

/** No address that a device means is longer; what is, is refused as it stands. */
const LONGEST = 1000;

/** `argument` behind MAIL or RCPT; what cannot be understood stays as it is, to be refused. */
export function mendPath(argument: string, word: 'FROM' | 'TO', extended: boolean): string {
  if (argument.length > LONGEST || argument.slice(0, word.length).toUpperCase() !== word) return argument;
  const rest = argument.slice(word.length).trimStart().replace(/^:/, '').trimStart();
  const open = rest.indexOf('<');
  const close = rest.indexOf('>', open);
  // Whatever a display name has in front; a bracket that was never closed ends with the word.
  const [path, behind] = open >= 0 && close >= 0 ? [rest.slice(open + 1, close), rest.slice(close + 1)] : cut(rest.slice(open + 1));
  const parameters = extended ? behind.split(' ').filter((one) => PARAMETERS.test(one)) : [];
  return [`${word}:<${mendAddress(path)}>`, ...parameters].join(' ');
}

function cut(rest: string): readonly [string, string] {
  const text = rest.trimStart();
  const end = text.search(/\s/);
  return end < 0 ? [text, ''] : [text.slice(0, end), text.slice(end)];
}

function mendAddress(text: string): string {
  const bare = text.replaceAll(/\s/g, '').replace(/^(?:mailto|smtp):/i, '');
  let end = bare.length;
  while (end > 0 && ';,.'.includes(bare[end - 1] as string)) end--;
  const plain = withoutQuotes(bare.slice(0, end));
  const at = plain.lastIndexOf('@');
  const domain = plain.slice(at + 1);
  if (at < 0) return plain;
  return domain === '' ? plain.slice(0, at) : isIpv4(domain) ? `${plain.slice(0, at)}@[${domain}]` : plain;
}

/** Around the whole address; a quoted local-part keeps its own. */
function withoutQuotes(text: string): string {
  const [first = ''] = text;
  const inner = text.slice(1, -1);
  return text.length > 2 && /["']/.test(first) && text.endsWith(first) && inner.includes('@') && !/["']/.test(inner) ? inner : text;
}
