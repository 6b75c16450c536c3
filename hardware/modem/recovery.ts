/** Out of whatever it was in: page data ended, call ended, hook down, DTR down; in this order, none of them waited for long. */
import { after, type Clock } from '../../src/core/clock.ts';
import type { Modem } from './start-up.ts';

const STEP_MS = 5000;
const DTR_LOW_MS = 1000;

export async function endCall({ talk, dialect }: Pick<Modem, 'talk' | 'dialect'>, clock: Clock, inPage: boolean): Promise<void> {
  // What made us stop must not stop the cleaning up as well.
  const { signal } = new AbortController();
  talk.ear.endPage();
  if (talk.ear.gone !== null) return;
  if (inPage) {
    await talk.write(new Uint8Array([0x10, 0x03]), STEP_MS, signal);
    await talk.answer(STEP_MS, signal);
  }
  for (const text of [dialect.abort, 'H0']) {
    const answer = await talk.command(text, { ms: STEP_MS, signal });
    if (answer.end === 'gone') return;
  }
  await talk.wire.ready(false);
  await clock.sleepUntil(after(clock.now(), DTR_LOW_MS));
  await talk.wire.ready(true);
  await talk.command('+FCLASS=0', { ms: STEP_MS, signal });
}
