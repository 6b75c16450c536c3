/** A process of its own: one fax of many pages, made and sent; says how much memory it took beyond idle, programs included. */
import { readdirSync, readFileSync } from 'node:fs';
import '../../src/kit/small-heap.ts';
import { createPageMaker, openFaxTransport } from '../../src/flow/transport/fax/index.ts';
import { silent } from '../../src/core/log.ts';
import { openKernels } from '../../src/kit/kernels.ts';
import { createSystemClock } from '../../src/kit/system-clock.ts';
import { fax, planFor } from './fax-box.ts';
import { createScriptedFaxLine } from './scripted-fax-line.ts';

const [file = '', folder = ''] = process.argv.slice(2);
const kernels = openKernels();
const clock = createSystemClock();
let calls = 0;
const line = createScriptedFaxLine();
const transport = openFaxTransport({
  folder, clock, log: silent, pages: createPageMaker(kernels),
  plan: () => planFor(),
  dial: () => ({ kind: 'dial', number: '5551212', options: { lowres: false, ignore: false, cover: false } }),
  line: {
    ...line,
    async send(call, signal) {
      calls = call.pages.length;
      for (const page of call.pages) {
        const encoder = kernels.openFaxEncoder();
        encoder.feed(await page.bitmap(signal));
        encoder.finish();
      }
      return { end: { kind: 'sent' }, pagesConfirmed: call.pages.length, lastPageUncertain: false, durationMs: 1, said: '' };
    },
  },
});

/** Ours as it is resident; of our children's what is theirs alone: a library's text is on disk, and the system's to drop. */
function resident(): number {
  const kilobytes = (pid: number | string, field: string): number => {
    try {
      return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
    } catch {
      return 0; // it has ended
    }
  };
  return 1024 * (kilobytes(process.pid, 'VmRSS') + children(process.pid).reduce((sum, pid) => sum + kilobytes(pid, 'RssAnon'), 0));
}

function children(of: number): string[] {
  return readdirSync(`/proc/${of}/task`).flatMap(task => {
    try {
      return readFileSync(`/proc/${of}/task/${task}/children`, 'utf8').split(' ').filter(one => one !== '');
    } catch {
      return [];
    }
  });
}

const octets = readFileSync(file);
const idle = resident();
let peak = idle;
const timer = setInterval(() => { peak = Math.max(peak, resident()); }, 5);
const outcomes = await transport.deliver(fax(clock.now(), { text: octets.toString('latin1') }), new AbortController().signal);
clearInterval(timer);
peak = Math.max(peak, resident());
console.log(JSON.stringify({ idle, peak, pages: calls, outcome: [...outcomes.values()][0]?.kind }));
