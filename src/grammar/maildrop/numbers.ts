/** Values are octet strings; a number is what its beginning spells (C's strtod), and is written with 22 digits (`%.22g`). */
const NUMBER = /^[\t-\r ]*([+-]?)(?:0[xX]([0-9a-fA-F]+)|(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|(inf(?:inity)?)|(nan))/i;
const DIGITS = 22;

export function parseNumber(text: string): number {
  const found = NUMBER.exec(text);
  if (found === null) return 0;
  const [, sign, hex, decimal, infinite] = found;
  const size = hex !== undefined ? Number.parseInt(hex, 16) : decimal !== undefined ? Number.parseFloat(decimal) : infinite !== undefined ? Infinity : NaN;
  return sign === '-' ? -size : size;
}

export function formatNumber(value: number): string {
  if (Number.isSafeInteger(value)) return Object.is(value, -0) ? '-0' : String(value);
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf';
  const [mantissa = '', power = '0'] = Math.abs(value).toExponential(DIGITS - 1).split('e');
  const digits = mantissa.replace('.', '');
  const exponent = Number(power);
  const sign = value < 0 ? '-' : '';
  if (exponent < -4 || exponent >= DIGITS) return `${sign}${trim(`${digits[0]}.${digits.slice(1)}`)}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  return sign + trim(exponent < 0 ? `0.${'0'.repeat(-exponent - 1)}${digits}` : `${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`);
}

function trim(decimal: string): string {
  return decimal.replace(/\.?0*$/, '');
}

/** An empty text and `0` alone are false; everything else, `0.0` too, is true. */
export function isTrue(text: string): boolean {
  return text !== '' && text !== '0';
}

export function truth(value: boolean): string {
  return value ? '1' : '0';
}

/** Bits are those of a 64-bit word; what has no such bits (nan, inf) is 0. */
export function bitwise(operator: '|' | '&', left: string, right: string): string {
  const [a, b] = [bits(left), bits(right)];
  return String(operator === '|' ? a | b : a & b);
}

export function complement(text: string): string {
  return String(BigInt.asIntN(64, ~bits(text)));
}

function bits(text: string): bigint {
  const value = Math.trunc(parseNumber(text));
  return Number.isFinite(value) ? BigInt.asUintN(64, BigInt(value)) : 0n;
}
