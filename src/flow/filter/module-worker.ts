/** In the worker: loads the module and asks it about each message. What it throws is its trouble, not the mail's. */
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import type { FromWorker, ToWorker } from './module-wire.ts';

const { path } = workerData as { readonly path: string };
const [file = '', stamp = ''] = path.split(/\?(?=[\d.]*$)/);
const loaded = await import(`${pathToFileURL(file).href}?${stamp}`) as { default?: unknown; inspect?: unknown };
const inspect = inspectOf(loaded);
if (parentPort === null) throw new Error('this runs in a worker');
const port = parentPort;
port.on('message', (asked: ToWorker) => {
  if (asked.kind === 'ping') {
    say({ kind: 'pong', n: asked.n });
    return;
  }
  void answer(asked);
});
say({ kind: 'loaded' });

async function answer({ n, message }: Extract<ToWorker, { kind: 'inspect' }>): Promise<void> {
  try {
    say({ kind: 'answer', n, answer: await inspect(message) });
  } catch (error) {
    say({ kind: 'threw', n, why: error instanceof Error ? error.message : String(error) });
  }
}

function say(said: FromWorker): void {
  port.postMessage(said);
}

function inspectOf(module: { default?: unknown; inspect?: unknown }): (message: unknown) => unknown {
  const found = typeof module.default === 'function' ? module.default : module.inspect ?? (module.default as { inspect?: unknown } | undefined)?.inspect;
  if (typeof found !== 'function') throw new Error('the module exports neither a default function nor inspect()');
  return found as (message: unknown) => unknown;
}
