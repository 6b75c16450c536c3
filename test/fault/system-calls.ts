/** Reads `strace -f -y` output: calls with where they began and where they returned, in the order of the lines. */
export interface Call {
  readonly name: string;
  /** Arguments and result, as strace prints them. */
  readonly text: string;
  /** File descriptor and path of the first argument. */
  readonly fd: string;
  readonly path: string;
  /** Line numbers; a call that never returned ends at infinity. */
  readonly began: number;
  readonly returned: number;
}

export function readTrace(trace: string): readonly Call[] {
  const calls: Call[] = [];
  const unfinished = new Map<string, { readonly name: string; readonly text: string; readonly began: number }>();
  for (const [at, line] of trace.split('\n').entries()) {
    const [, pid = '', rest = ''] = /^(\d+)\s+(?:[\d.:]+ )?(.*)$/.exec(line) ?? [];
    const resumed = /^<\.\.\. (\w+) resumed>(.*)$/.exec(rest);
    if (resumed !== null) {
      const open = unfinished.get(pid);
      unfinished.delete(pid);
      if (open !== undefined) calls.push(callOf(open.name, open.text + (resumed[2] ?? ''), open.began, at));
      continue;
    }
    const [, name, text] = /^(\w+)\((.*)$/.exec(rest) ?? [];
    if (name === undefined || text === undefined) continue;
    if (text.endsWith('<unfinished ...>')) unfinished.set(pid, { name, text: text.slice(0, -16), began: at });
    else calls.push(callOf(name, text, at, at));
  }
  for (const open of unfinished.values()) calls.push(callOf(open.name, open.text, open.began, Number.POSITIVE_INFINITY));
  return calls.toSorted((a, b) => a.began - b.began);
}

function callOf(name: string, text: string, began: number, returned: number): Call {
  const [, fd = '', path = ''] = /^(\d+)<([^>]*)>/.exec(text) ?? [];
  return { name, text, fd, path, began, returned };
}

export const writes: ReadonlySet<string> = new Set(['write', 'writev', 'pwrite64', 'pwritev', 'pwritev2', 'sendto', 'sendmsg']);
export const syncs: ReadonlySet<string> = new Set(['fdatasync', 'fsync', 'msync', 'sync_file_range']);

/**
 * The story of one message: its octets went to a file, a sync of that file began after that and returned, and only
 * then was 250 written to the client; or they were written whole by a descriptor that writes `through` (O_DSYNC), which
 * returned before. The answer names what is missing.
 */
export function storyOf(calls: readonly Call[], token: string, through: ReadonlySet<string> = new Set()): string {
  const first = calls.find((call) => keeps(call, token));
  if (first === undefined) return 'its octets were never written to a file';
  const replied = calls.find((call) => writes.has(call.name) && /^(?:TCP|socket)/.test(call.path) && /"250[ -]2\.[06]\.0/.test(call.text) && call.returned > first.began);
  if (replied === undefined) return 'no 250 was written after it';
  // Later commits copy pages, and the octets on them, once more: only what was written before the reply counts.
  const last = calls.findLast((call) => keeps(call, token) && call.began < replied.began) ?? first;
  if (through.has(last.fd)) return last.returned < replied.began && wrote(last) ? 'written through before 250' : `250 was written before ${last.path} had it`;
  const synced = calls.find((call) => syncs.has(call.name) && call.path === last.path && call.began > last.returned && call.returned < replied.began && call.text.endsWith(' = 0'));
  if (synced === undefined) return `250 was written without a sync of ${last.path} after its octets`;
  return 'synced before 250';
}

/** The call says how much it wrote; whether that was all, the next one says, which would go on with the rest. */
function wrote(call: Call): boolean {
  return / = [1-9]\d*$/.test(call.text);
}

function keeps(call: Call, token: string): boolean {
  return writes.has(call.name) && call.path.startsWith('/') && call.text.includes(token);
}
