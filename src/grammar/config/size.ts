/** Octets: a whole number, or one with K, M, G (powers of 1024). Courier knows the plain number only. */
import { read, shown, wrong, type Parsed } from './parsed.ts';

const factors: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 };

export const largestSizeOctets = 2 ** 43;

export function parseSize(text: string, example = '10485760'): Parsed<number> {
  const match = /^(\d{1,14})([KMG]?)$/i.exec(text);
  if (match === null) return wrong(`${shown(text)} is not a size: octets, or a number with K, M or G`, example);
  const octets = Number(match[1]) * (factors[match[2]!.toUpperCase()] ?? 1);
  return octets <= largestSizeOctets ? read(octets) : wrong(`${shown(text)} is more than 8192G`, example);
}

export function formatSize(octets: number): string {
  for (const unit of ['G', 'M', 'K']) {
    const factor = factors[unit]!;
    if (octets > 0 && octets % factor === 0) return `${octets / factor}${unit}`;
  }
  return String(octets);
}
