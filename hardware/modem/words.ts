/** What a modem says, one line at a time. Lines come with echo, rubbish or page data in front; ids hold anything at all. */

export type Word =
  | { readonly kind: 'ok' | 'error' | 'busy' | 'no-carrier' | 'no-answer' | 'no-dialtone' | 'voice' | 'blacklisted' | 'ring' | 'fax' }
  | { readonly kind: 'connect'; readonly text: string }
  /** Hang-up in class 2's numbers. */
  | { readonly kind: 'hangup'; readonly code: number }
  | { readonly kind: 'report'; readonly name: string; readonly value: string }
  | { readonly kind: 'text'; readonly text: string };

const RESULTS: readonly (readonly [RegExp, Exclude<Word['kind'], 'connect' | 'hangup' | 'report' | 'text'>])[] = [
  [/^OK$/, 'ok'],
  [/^(?:\+FCERROR|ERROR|\+CM[ES] ERROR:.*)$/, 'error'],
  [/^BUSY$/, 'busy'],
  [/^NO ?CARRIER$/, 'no-carrier'],
  [/^NO ?ANSWER$/, 'no-answer'],
  [/^NO ?DIAL ?TONE$/, 'no-dialtone'],
  [/^VOICE$/, 'voice'],
  [/^(?:BLACK ?LISTED|DELAYED)(?:[ :].*)?$/, 'blacklisted'],
  [/^RING(?:[ :].*)?$/, 'ring'],
  [/^FAX$/, 'fax'],
];

export function parseWord(line: string): Word {
  const text = line.trim();
  for (const [pattern, kind] of RESULTS) if (pattern.test(text)) return { kind };
  if (/^CONNECT(?: |$)/.test(text)) return { kind: 'connect', text };
  const [, name = '', value = ''] = /^(\+F[A-Z]+)(?:[:=]\s*(.*))?$/.exec(text) ?? [];
  if (name === '+FHNG' || name === '+FHS') return { kind: 'hangup', code: hangupCode(name, value) };
  if (name !== '') return { kind: 'report', name, value: value.trim() };
  return { kind: 'text', text };
}

/** Class 2.0 writes the digits of class 2 as hexadecimal text, and 100 to 103 as A0 to A3. */
function hangupCode(name: string, value: string): number {
  const digits = /[0-9A-F]{1,3}/i.exec(value)?.[0] ?? '';
  if (name === '+FHS' && /^A/i.test(digits)) return 100 + Number.parseInt(digits.slice(1) || '0', 10);
  const code = Number.parseInt(digits, 10);
  return Number.isNaN(code) ? UNREADABLE_HANGUP : code;
}

/** A hang-up all the same: phase unspecified. */
const UNREADABLE_HANGUP = 10;

/** `+FCSI:"   +49 89 1234"` without its quotes and blanks; at most 20 characters, none of them a control. */
export function stationIdOf(value: string): string {
  return value.replaceAll(/^\s*"?|"?\s*$/g, '').replaceAll(/[^\x20-\x7e]/g, '').trim().slice(0, 20);
}

/** VR,BR,WD,LN,DF,EC,BF,ST: hexadecimal in class 2.0 and in newer class 2 firmware; decimal digits read the same. */
export interface Parameters {
  readonly fine: boolean;
  /** Bits a second. */
  readonly rate: number;
  readonly width: number;
  readonly coding: number;
}

export function parseParameters(value: string): Parameters {
  const fields = value.replaceAll('"', '').split(',').map(field => Number.parseInt(field.trim(), 16));
  const [vr = 0, br = 5, wd = 0, , df = 0] = fields.map(field => (Number.isNaN(field) ? 0 : field));
  return { fine: vr !== 0, rate: (Math.min(br, 13) + 1) * 2400, width: wd, coding: df };
}
