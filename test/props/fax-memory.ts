/** A process of its own: one fax of many pages, made and sent; says how much memory it took beyond idle, programs included. */
import { readdirSync, readFileSync } from 'node:fs';
import '../../src/kit/small-heap.ts';
import { createPageMaker, openFaxTransport } from '../../src/flow/transport/fax/index.ts';
import { silent } from '../../src/core/log.ts';
import { openKernels } from '../../src/kit/wasm/kernels.ts';
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

interface Held {
  /** Ours as it is resident; of our children's what is theirs alone: a library's text is on disk, and the system's to drop. */
  readonly own: number;
  /** All of both, what several have in common divided among them. */
  readonly shared: number;
  /** All of both, what several have in common counted for each. */
  readonly whole: number;
}

function field(path: string, name: string): number {
  try {
    return 1024 * Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(path, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0; // it has ended
  }
}

function held(): Held {
  const ours = field('/proc/self/status', 'VmRSS');
  const theirs = children(process.pid);
  const sum = (file: string, name: string): number => theirs.reduce((all, pid) => all + field(`/proc/${pid}/${file}`, name), 0);
  return {
    own: ours + sum('status', 'RssAnon'),
    shared: field('/proc/self/smaps_rollup', 'Pss') + sum('smaps_rollup', 'Pss'),
    whole: ours + sum('status', 'VmRSS'),
  };
}

function most(a: Held, b: Held): Held {
  return { own: Math.max(a.own, b.own), shared: Math.max(a.shared, b.shared), whole: Math.max(a.whole, b.whole) };
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
const idle = held();
let peak = idle;
const timer = setInterval(() => { peak = most(peak, held()); }, 5);
const outcomes = await transport.deliver(fax(clock.now(), { text: octets.toString('latin1') }), new AbortController().signal);
clearInterval(timer);
peak = most(peak, held());
const strict = { shared: peak.shared - idle.shared, whole: peak.whole - idle.whole };
console.log(JSON.stringify({ idle: idle.own, peak: peak.own, strict, pages: calls, outcome: [...outcomes.values()][0]?.kind }));
