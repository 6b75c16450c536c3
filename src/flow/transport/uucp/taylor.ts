/** Taylor UUCP on this box: its queue, its calls, its log. */
import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ran } from '../../../kit/run-program.ts';
import type { Programs } from './programs.ts';
import { configuredWord, parseCallLog, parseCalls, parseJobs, type PollResult, type UuxJob } from './site-report.ts';

export interface Taylor {
  /** Null: uustat is not here, or cannot say. */
  jobs(signal: AbortSignal): Promise<readonly UuxJob[] | null>;
  calls(signal: AbortSignal): Promise<ReadonlyMap<string, { readonly at: number; readonly said: string }>>;
  /** Null: nobody can say now. */
  knows(node: string, signal: AbortSignal): Promise<boolean | null>;
  poll(node: string, options: { readonly timeoutMs: number; readonly signal: AbortSignal }): Promise<PollResult>;
  /** The job's data, and the job gone; null when there is no such job or its data cannot be read. */
  recall(job: string, signal: AbortSignal): Promise<{ readonly octets: Uint8Array; readonly what: string } | null>;
}

const ASK_MS = 60_000;
const LOG_OCTETS = 4 * 1024 * 1024;
const EXECUTION_MS = 30 * 60_000;

export function createTaylor({ programs, configFile, now }: { readonly programs: Programs; readonly configFile: () => string | undefined; readonly now: () => number }): Taylor {
  const withConfig = () => (configFile() === undefined ? [] : ['-I', configFile() as string]);
  const ask = (name: string, args: readonly string[], signal: AbortSignal): Promise<Ran> => programs.run(name, [...withConfig(), ...args], { signal, timeoutMs: ASK_MS });

  async function jobs(signal: AbortSignal): Promise<readonly UuxJob[] | null> {
    const ran = await ask('uustat', ['-a'], signal);
    return ran.kind === 'exited' && (ran.code === 0 || ran.stdout === '') ? parseJobs(ran.stdout, now()) : null;
  }

  async function configured(keyword: string, usual: string): Promise<string> {
    const text = await readFile(configFile() ?? '/etc/uucp/config', 'utf8').catch(() => '');
    return configuredWord(text, keyword) ?? usual;
  }

  return {
    jobs,
    async calls(signal) {
      const ran = await ask('uustat', ['-m'], signal);
      return ran.kind === 'exited' ? parseCalls(ran.stdout, now()) : new Map();
    },
    async knows(node, signal) {
      const ran = await ask('uuname', [], signal);
      return ran.kind === 'exited' && ran.code === 0 ? ran.stdout.split('\n').includes(node) : null;
    },
    async poll(node, { timeoutMs, signal }) {
      const count = async () => (await jobs(signal))?.filter(one => one.node === node).length ?? 0;
      const log = await configured('logfile', '/var/log/uucp/Log');
      const from = (await stat(log).catch(() => null))?.size ?? 0;
      const before = await count();
      // -S: whatever an earlier failure says about waiting. -q: the jobs that came are run here, where they are waited for.
      const ran = await programs.run('uucico', [...withConfig(), '-D', '-q', '-r1', '-S', node], { signal, timeoutMs });
      const moved = parseCallLog(await readFrom(log, from), node);
      if (ran.kind === 'absent') return { kind: 'absent', before, after: before, ...moved, said: ran.why };
      // A second uuxqt leaves at once with 0; what the first one does not find any more, ours finds.
      await programs.run('uuxqt', withConfig(), { signal, timeoutMs: EXECUTION_MS });
      const called = ran.kind === 'exited' && ran.code === 0;
      const said = moved.said !== '' ? moved.said : ran.kind === 'exited' ? ran.stderr.trim() : ran.kind === 'killed' ? ran.why : '';
      return { kind: called ? 'called' : 'failed', before, after: await count(), ...moved, said };
    },
    async recall(job, signal) {
      const found = (await jobs(signal))?.find(one => one.id === job);
      if (found === undefined) return null;
      const spool = join(await configured('spool', '/var/spool/uucp'), found.node);
      const command = await readFile(join(spool, 'C.', `C.${job.slice(found.node.length + 1)}`), 'utf8').catch(() => '');
      const data = /^[ES] (D\.[\w.-]+) /m.exec(command)?.[1];
      const octets = data === undefined ? null : await readFile(join(spool, 'D.', data)).catch(() => null);
      if (octets === null) return null;
      const killed = await ask('uustat', ['-k', job], signal);
      return killed.kind === 'exited' && killed.code === 0 ? { octets, what: found.what } : null;
    },
  };
}

/** What a log got since it was so long; nothing when it cannot be read. */
async function readFrom(path: string, from: number): Promise<string> {
  const file = await open(path).catch(() => null);
  if (file === null) return '';
  try {
    const { size } = await file.stat();
    const octets = Buffer.alloc(Math.min(LOG_OCTETS, Math.max(0, size - from)));
    await file.read(octets, 0, octets.length, size - octets.length);
    return octets.toString('utf8');
  } finally {
    await file.close();
  }
}
