/** T.4 one-dimensional coding with strings of '0' and '1'. */
import { BLACK_CODES, WHITE_CODES } from '../../hardware/fax-simulator/t4-tables.ts';

const EOL = '000000000001';

export function slowRun(run: number, black: boolean): string {
  const codes = black ? BLACK_CODES : WHITE_CODES;
  let bits = '';
  let left = run;
  for (; left > 2623; left -= 2560) bits += codes[103]!;
  if (left > 63) bits += codes[63 + (left >> 6)]!;
  return bits + codes[left & 63]!;
}

/** A row as '0' (white) and '1' (black). */
export function slowRow(pels: string): string {
  const runs = pels.match(/0+|1+/g) ?? [];
  const first = pels.startsWith('1') ? slowRun(0, false) : '';
  return EOL + first + runs.map((run) => slowRun(run.length, run.startsWith('1'))).join('');
}

export function slowFax(rows: readonly string[], reversed: boolean, doubled: boolean): Buffer {
  const bits = rows.map(slowRow).join('') + EOL.repeat(6);
  const octets = bits.padEnd(Math.ceil(bits.length / 8) * 8, '0').match(/.{8}/g) ?? [];
  return Buffer.from(octets.flatMap((octet) => {
    const value = Number.parseInt(reversed ? octet.split('').toReversed().join('') : octet, 2);
    return doubled && value === 16 ? [16, 16] : [value];
  }));
}

export function packed(rows: readonly string[]): Buffer {
  return Buffer.from((rows.join('').match(/.{8}/g) ?? []).map((octet) => Number.parseInt(octet, 2)));
}
