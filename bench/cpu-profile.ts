/** Reads what `node --cpu-prof` wrote: where the time went, by function, itself only. */
export interface Hotspot {
  readonly name: string;
  /** Module or file, shortened to what a reader knows. */
  readonly where: string;
  readonly share: number;
}

interface Profile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number } }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Idle time is left out; shares are of the time in which something ran. */
export function hotspots(text: string, limit = 15): readonly Hotspot[] {
  const { nodes, samples, timeDeltas } = JSON.parse(text) as Profile;
  const frames = new Map(nodes.map((node) => [node.id, node.callFrame]));
  const spent = new Map<string, number>();
  let all = 0;
  for (const [at, id] of samples.entries()) {
    const frame = frames.get(id);
    // A delta lies between a sample and the one before, so it belongs to what ran then; at this many samples either will do.
    const time = timeDeltas[at] ?? 0;
    if (frame === undefined || frame.functionName === '(idle)' || time < 0) continue;
    const key = `${frame.functionName || '(anonymous)'}\n${whereIs(frame.url, frame.lineNumber)}`;
    spent.set(key, (spent.get(key) ?? 0) + time);
    all += time;
  }
  return [...spent]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, limit)
    .map(([key, time]) => {
      const [name = '', where = ''] = key.split('\n');
      return { name, where, share: all === 0 ? 0 : time / all };
    });
}

function whereIs(url: string, line: number): string {
  if (url === '') return '';
  const path = url.replace(/^file:\/\//, '').replace(/^.*\/node_modules\//, '').replace(/^.*?\/(?=(?:build\/)?(?:src|hardware)\/)/, '');
  return url.startsWith('node:') ? url : `${path}:${line + 1}`;
}
