/**
 * What does a fax of ten pages cost? Making its pages from a PDF, and coding them for the line, beside netpbm's pbmtog3
 * in the same run and turn by turn: as coding alone, its start taken off, which is what is judged, and as filters run
 * it, a program for each page. `node bench/fax.ts`; ends with 1 when coding alone is less than five times as fast.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createPageMaker } from '../src/flow/transport/fax/index.ts';
import { openKernels } from '../src/kit/wasm/kernels.ts';
import { planFor } from '../test/props/fax-box.ts';
import { faxMail } from '../test/props/fax-mail.ts';
import { scratchFolder } from '../test/props/scratch.ts';

const TIMES = 5;
const ROUNDS = 7;
const CODING_ROUNDS = 25;
const WARM_ROUNDS = 10;
const PAGES = 10;
const folder = scratchFolder('bench-fax');
mkdirSync(folder, { recursive: true });

/** Like a letter: some fifty lines of text, a table's rules, a grey box. */
const postscript = `%!PS\n/Times-Roman findfont 11 scalefont setfont\n1 1 ${PAGES} { /page exch def
0 1 49 { dup 13 mul 760 exch sub 60 exch moveto (Page ) show page 5 string cvs show (, line ) show 5 string cvs show (: the quick brown fox jumps over the lazy dog, and the dog sleeps on.) show } for
0.4 setlinewidth 0 1 5 { 15 mul 40 add 60 exch moveto 480 0 rlineto stroke } for 0.7 setgray 400 700 120 60 rectfill 0 setgray showpage } for\n`;

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0;
}

function timed(work: () => void): number {
  const from = performance.now();
  work();
  return performance.now() - from;
}

const pdf = spawnSync('gs', ['-q', '-dSAFER', '-dBATCH', '-dNOPAUSE', '-sDEVICE=pdfwrite', '-sOutputFile=-', '-'], { input: postscript, maxBuffer: 64_000_000 });
if (pdf.status !== 0 || spawnSync('pbmtog3', ['-version']).error !== undefined) {
  console.log('Ghostscript or netpbm is not installed: nothing measured');
  process.exit(0);
}
const kernels = openKernels();
const maker = createPageMaker(kernels);
const mail = faxMail('Ten pages.', [{ type: 'application/pdf', octets: pdf.stdout }]);
const made: number[] = [];
let pages: Uint8Array[] = [];
for (let round = 0; round < ROUNDS; round++) {
  const place = join(folder, String(round));
  mkdirSync(place);
  const from = performance.now();
  const result = await maker.make({ octets: [mail], options: { lowres: false, ignore: false, cover: false }, number: '5551212', folder: place, plan: planFor() }, new AbortController().signal);
  made.push(performance.now() - from);
  if (result.kind !== 'made') throw new Error(result.why);
  pages = result.pages.slice(result.coverPages).map(({ file }) => readFileSync(join(place, file)));
}

const bits = Buffer.concat(pages);
const rows = bits.length / 216;
/** Each page for a program of its own; all as one tall page, and one row, to tell the coding from the start. */
const keep = (name: string, octets: Uint8Array): string => {
  const path = join(folder, `${name}.pbm`);
  writeFileSync(path, Buffer.concat([Buffer.from(`P4\n1728 ${octets.length / 216}\n`), octets]));
  return path;
};
const each = pages.map((page, n) => keep(`page-${n}`, page));
const tall = keep('tall', bits);
const tiny = keep('tiny', Buffer.alloc(216));
const netpbm = (file: string): number => timed(() => {
  if (spawnSync('pbmtog3', [file], { maxBuffer: 64_000_000 }).status !== 0) throw new Error('pbmtog3 failed');
});
let coded = 0;
const ours: number[] = [];
const theirs: number[] = [];
const coding: number[] = [];
const ratios: number[] = [];
/** As a room lends it that is done with a page before it asks for the next. */
const lent = Buffer.alloc(pages[0]?.length ?? 0);
/** Ours first without a watch: the gateway's code has long been compiled when a fax comes. */
for (let round = -WARM_ROUNDS; round < CODING_ROUNDS; round++) {
  const here = timed(() => {
    coded = 0;
    for (const page of pages) {
      const encoder = kernels.openFaxEncoder();
      coded += encoder.feed(page, lent).length + encoder.finish().length;
    }
  });
  if (round < 0) continue;
  const alone = netpbm(tall) - netpbm(tiny);
  ours.push(here);
  coding.push(alone);
  ratios.push(alone / here);
  if (round < ROUNDS) theirs.push(each.reduce((sum, file) => sum + netpbm(file), 0));
}
rmSync(folder, { recursive: true });
const encoder = median(ours);
const ratio = median(ratios);
const verdict = ratio >= TIMES ? 'kept' : 'BROKEN';
console.log(`${PAGES} pages of PDF and a cover made: ${Math.round(median(made))} ms (${Math.round(median(made) / (PAGES + 1))} ms a page)`);
console.log(`${PAGES} pages, ${rows} rows, coded (MH): ${encoder.toFixed(1)} ms here, ${(bits.length / encoder / 1000).toFixed(0)} MB/s of pels, ${coded} octets; ${median(coding).toFixed(1)} ms by pbmtog3, its start taken off`);
console.log(`The coding alone is ${ratio.toFixed(1)} times as fast; the goal is ${TIMES}: ${verdict}`);
console.log(`For information: pbmtog3 as filters run it, a program for each page, takes ${median(theirs).toFixed(1)} ms, ${(median(theirs) / encoder).toFixed(1)} times as long`);
process.exitCode = ratio >= TIMES ? 0 : 1;
