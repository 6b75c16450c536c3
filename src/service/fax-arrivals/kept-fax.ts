/** A fax in the spool, as its folder tells it. */
import type { FaxResolution } from '../../core/fax.ts';
import type { ArrivalEnd, ArrivedPage, ArrivingCall } from '../../core/fax-arrival.ts';

export interface KeptFax {
  readonly id: string;
  readonly folder: string;
  readonly call: ArrivingCall;
  readonly end: ArrivalEnd;
  readonly pages: readonly KeptPage[];
}

export interface KeptPage {
  readonly file: string;
  readonly resolution: FaxResolution;
  readonly rows: number;
  readonly badRows: number;
  readonly verdict: ArrivedPage['verdict'];
  readonly whole: boolean;
  readonly sizeOctets: number;
}

/** What is known of a page stands in its name: one file, one rename, nothing that can be half there. */
export function formatPageName(number: number, { resolution, rows, badRows, verdict, whole }: Omit<KeptPage, 'file' | 'sizeOctets'>): string {
  return `${String(number).padStart(3, '0')}-${resolution}-${rows}-${badRows}-${verdict}-${whole ? 'whole' : 'cut'}.g3`;
}

export function parsePageName(name: string): Omit<KeptPage, 'file' | 'sizeOctets'> | null {
  const [, resolution, rows, badRows, verdict, whole] = /^\d{3}-(fine|normal)-(\d{1,5})-(\d{1,5})-(confirmed|refused)-(whole|cut)\.g3$/.exec(name) ?? [];
  if (resolution === undefined) return null;
  return { resolution: resolution === 'fine' ? 'fine' : 'normal', rows: Number(rows), badRows: Number(badRows), verdict: verdict === 'refused' ? 'refused' : 'confirmed', whole: whole === 'whole' };
}
