/**
 * QUIRK: MAIL and RCPT as the firmware of printers, UPSes and cameras writes them, put into the form of RFC 5321 §4.1.2:
 * no angle brackets, a blank before the colon or no colon, a display name, a bare IPv4 address as domain, parameters after
 * HELO. Held by test/unit/grammar/mended-path.test.ts.
 */
import { isIpv4 } from '../domain.ts';

/** Parameters that are understood; of such clients the others mean nothing. */
const PARAMETERS = /^(?:SIZE|BODY|SMTPUTF8|RET|ENVID|NOTIFY|ORCPT)(?:=|$)/i;

/** `argument` behind MAIL or RCPT; what cannot be understood stays as it is, to be refused. */
export function mendPath(argument: string, word: 'FROM' | 'TO', extended: boolean): string {
  const found = /^(FROM|TO)\s*:?\s*(.*)$/i.exec(argument);
  if (found === null || found[1]?.toUpperCase() !== word) return argument;
  const rest = found[2] as string;
  const open = rest.indexOf('<');
  const close = rest.indexOf('>', open);
  // Whatever a display name has in front; a bracket that was never closed ends with the word.
  const [path, behind] = open >= 0 && close >= 0 ? [rest.slice(open + 1, close), rest.slice(close + 1)] : cut(rest.slice(open + 1));
  const parameters = extended ? behind.split(' ').filter((one) => PARAMETERS.test(one)) : [];
  return [`${word}:<${mendAddress(path)}>`, ...parameters].join(' ');
}

function cut(rest: string): readonly [string, string] {
  const end = rest.trimStart().search(/\s/);
  return end < 0 ? [rest, ''] : [rest.trimStart().slice(0, end), rest.trimStart().slice(end)];
}

function mendAddress(text: string): string {
  const plain = text.trim().replace(/^(?:mailto|smtp):/i, '').replace(/[;,.]+$/, '').replace(/^(["'])([^"']*@[^"']*)\1$/, '$2').replaceAll(/\s+/g, '');
  const at = plain.lastIndexOf('@');
  const domain = plain.slice(at + 1);
  if (at < 0) return plain;
  return domain === '' ? plain.slice(0, at) : isIpv4(domain) ? `${plain.slice(0, at)}@[${domain}]` : plain;
}
