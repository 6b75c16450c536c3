/** The peer's reverse name: asked for when it connects, waited for only when a message needs it, and not for long. */
import { after, type Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import { REVERSE_NAME_MS } from './limits.ts';
import type { ReverseName } from './options.ts';

export interface RemoteName {
  /** Undefined: nothing to wait for. Never rejects. */
  known(): Promise<void> | undefined;
  readonly name: string | undefined;
}

export const nameless: RemoteName = { known: () => undefined, name: undefined };

export function askRemoteName(address: string, reverse: (address: string) => Promise<ReverseName>, clock: Clock, log: Log): RemoteName {
  let name: string | undefined;
  let asked = false;
  let settled: Promise<void> | undefined = reverse(address).then(
    answer => { if (answer.kind === 'found') name = answer.name; },
    (cause: unknown) => log.error('bug', { relay: address, cause }),
  ).then(() => { settled = undefined; });
  return {
    known() {
      // A session waits once; later messages take what there is.
      if (settled === undefined || asked) return undefined;
      asked = true;
      const deadline = new AbortController();
      const late = clock.sleepUntil(after(clock.now(), REVERSE_NAME_MS), deadline.signal);
      return Promise.race([settled, late]).then(() => deadline.abort());
    },
    get name() {
      return name;
    },
  };
}
