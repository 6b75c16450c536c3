/** How large a page is, in points for those who draw and in rows for the line (T.4; fax-uucp-socks 4.1). */
import type { FaxResolution } from '../../../core/fax.ts';
import { FAX_PELS } from './bitmap.ts';

export type Paper = 'a4' | 'letter';

export interface PageForm {
  readonly resolution: FaxResolution;
  readonly rowsPerInch: number;
  /** The strip at the top with date, sender and page number, and what is below it. */
  readonly stripRows: number;
  readonly contentRows: number;
}

const FINE_ROWS = { a4: 2287, letter: 2150 } as const satisfies Record<Paper, number>;
/** Five millimetres: machines lose three to five at the edge of the paper. */
const STRIP_ROWS = 44;

export const PELS_PER_INCH = 204;
export const WIDTH_POINTS = (FAX_PELS / PELS_PER_INCH) * 72;

export function pageForm(paper: Paper, resolution: FaxResolution): PageForm {
  const share = resolution === 'fine' ? 1 : 0.5;
  return {
    resolution,
    rowsPerInch: 196 * share,
    stripRows: STRIP_ROWS * share,
    contentRows: Math.round((FINE_ROWS[paper] - STRIP_ROWS) * share),
  };
}

export function pointsOf(rows: number, form: PageForm): number {
  return (rows / form.rowsPerInch) * 72;
}
