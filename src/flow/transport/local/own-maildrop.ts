/** `maildrop` is built in: the owner's recipe runs within this process, with the rights that it has. */
import type { Maildrop } from '../../../core/maildrop.ts';
import type { Lines, LocalSettings, Octets } from './errand.ts';
import type { Ended, Running } from './program.ts';

/** A mission, as far as a recipe is concerned. */
interface Mission {
  readonly home: string;
  readonly sender: string;
  readonly lines: Lines;
  readonly content: Octets;
  readonly environment: Readonly<Record<string, string>>;
  readonly quota?: string;
  readonly settings: LocalSettings;
}

/** Bare, or by any path but the one in file `maildrop`, which names a program. */
export function isOwnMaildrop(command: string, { settings }: Pick<Mission, 'settings'>): boolean {
  return command !== settings.maildrop && /^(?:\/\S*\/)?maildrop$/.test(command);
}

export async function followRecipe(maildrop: Maildrop, mission: Mission, { outputOctets, keep }: Pick<Running, 'outputOctets' | 'keep'>, outer: AbortSignal): Promise<Ended> {
  const { environment, settings, lines } = mission;
  let output = Buffer.alloc(0);
  let cut = false;
  const take = (octets: Uint8Array): void => {
    const all = Buffer.concat([output, octets]);
    cut ||= all.length > outputOctets;
    output = keep === 'first' ? all.subarray(0, outputOctets) : all.subarray(-outputOctets);
  };
  const watchdog = new AbortController();
  const timer = setTimeout(() => watchdog.abort(), settings.limitMs);
  try {
    const { code } = await maildrop.run({
      recipe: { kind: 'delivery' }, home: mission.home, login: environment['LOGNAME'] ?? '', environment,
      // With a slash it is a Maildir, made when it is not there.
      defaultMailbox: `${(environment['MAILDROPDEFAULT'] ?? './Maildir').replace(/\/+$/, '')}/`,
      variables: { SHELL: settings.shell, PATH: settings.path, ...(mission.quota === undefined ? {} : { MAILDIRQUOTA: mission.quota }) },
      reversePath: mission.sender, fields: [lines.dt, lines.rp].map(line => Buffer.from(line).toString('latin1')),
      content: () => mission.content.read(), output: take, complain: text => {
        // What gives instructions must not find complaints among them.
        if (keep === 'last') take(Buffer.from(`${text}\n`));
      },
    }, AbortSignal.any([outer, watchdog.signal]));
    return watchdog.signal.aborted ? { kind: 'overtime' } : { kind: 'exit', code, output: output.toString('utf8'), cut };
  } finally {
    clearTimeout(timer);
  }
}
