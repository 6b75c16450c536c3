/** Exactly what would be sent, page by page, for a person to look at. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FAX_PELS, stacked } from './bitmap.ts';
import type { PageMaker, PagePlan, PageRequest } from './page-maker.ts';
import { readPage } from './page-store.ts';
import { pageForm, PELS_PER_INCH } from './paper.ts';

export interface ProofPage {
  readonly width: number;
  readonly rows: number;
  readonly bits: Uint8Array;
  readonly pelsPerInch: number;
  readonly rowsPerInch: number;
}

export type Proof =
  | { readonly kind: 'made'; readonly count: number; readonly coverPages: number; readonly notes: readonly string[]; page(n: number): Promise<ProofPage>; close(): Promise<void> }
  | { readonly kind: 'unfit' | 'trouble'; readonly why: string };

export async function createProof(maker: PageMaker, request: Omit<PageRequest, 'folder'> & { readonly at: number; readonly plan: PagePlan }, signal: AbortSignal): Promise<Proof> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-fax-'));
  const close = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const { plan, number, at } = request;
  const made = await maker.make({ ...request, folder }, signal);
  if (made.kind !== 'made') {
    await close();
    return { kind: made.kind, why: made.why };
  }
  const form = pageForm(plan.paper, made.resolution);
  const texts = made.pages.map((_, n) => ({ at, name: plan.stationName, stationId: plan.stationId, number, page: n + 1, pages: made.pages.length }));
  const strips = await maker.strips({ texts, resolution: made.resolution, plan, folder: join(folder, 'strips') }, signal);
  if (typeof strips === 'string') {
    await close();
    return { kind: 'trouble', why: strips };
  }
  return {
    kind: 'made', count: made.pages.length, coverPages: made.coverPages, notes: made.notes, close,
    async page(n) {
      const [page, strip] = [made.pages[n], strips[n]];
      if (page === undefined || strip === undefined) throw new Error(`there is no page ${n}`);
      return { width: FAX_PELS, rows: strip.rows + page.rows, bits: stacked(strip, await readPage(folder, page)), pelsPerInch: PELS_PER_INCH, rowsPerInch: form.rowsPerInch };
    },
  };
}
