/** The modem's other half: it rings, is answered, and hands over pages as they come from the line. */
import { after } from '../../src/core/clock.ts';
import { CAPABILITIES, DLE, ETX, type Host } from './host.ts';
import { doubled, turned } from './octet-order.ts';
import type { IncomingCall, IncomingResult, PageStep } from './script.ts';
import { decodePage, encodePage } from './t4.ts';

const RING_EVERY_MS = 6000;

interface Arriving {
  readonly incoming: IncomingCall;
  readonly coded: readonly Uint8Array[];
  readonly verdicts: number[];
  page: number;
  attempt: number;
  /** The page was handed over and not judged yet. */
  pending: boolean;
  confirmed: boolean;
  readonly done: PromiseWithResolvers<IncomingResult>;
}

export class IncomingSide {
  readonly #host: Host;
  #ringing: { answer(): void } | null = null;
  #arriving: Arriving | null = null;

  constructor(host: Host) {
    this.#host = host;
  }

  get up(): boolean {
    return this.#arriving !== null;
  }

  /** ATA. */
  answer(): void {
    if (this.#ringing === null) this.#host.say('NO CARRIER');
    else this.#ringing.answer();
  }

  end(why: string): void {
    const arriving = this.#arriving;
    this.#arriving = null;
    arriving?.done.resolve({ answered: true, verdicts: arriving.verdicts, ended: why });
  }

  async ring(incoming: IncomingCall): Promise<IncomingResult> {
    const { clock } = this.#host;
    const answered = new AbortController();
    const done = Promise.withResolvers<IncomingResult>();
    const coded = incoming.coded ?? incoming.pages.map(encodePage);
    this.#ringing = {
      answer: () => {
        answered.abort();
        this.#ringing = null;
        this.#take({ incoming, coded, verdicts: [], page: 0, attempt: 1, pending: false, confirmed: false, done });
      },
    };
    for (let rings = 0; rings < (incoming.rings ?? 10) && !answered.signal.aborted; rings++) {
      this.#host.say('RING');
      if (rings === 0 && incoming.callerId !== undefined && (this.#host.setting('+VCID') === '1' || this.#host.setting('#CID') === '1')) this.#host.say('DATE = 1121', 'TIME = 0830', `NMBR = ${incoming.callerId}`);
      const takesAfter = Number(this.#host.setting('S0') || '0');
      if (takesAfter > 0 && rings + 1 >= takesAfter) this.#ringing?.answer();
      await clock.sleepUntil(after(clock.now(), RING_EVERY_MS), answered.signal);
    }
    if (!answered.signal.aborted) {
      this.#ringing = null;
      return { answered: false, verdicts: [], ended: 'nobody answered' };
    }
    return done.promise;
  }

  #take(arriving: Arriving): void {
    const { incoming } = arriving;
    if (this.#host.mishap({ kind: 'answer', call: this.#host.calls() + 1 })) {
      arriving.done.resolve({ answered: true, verdicts: [], ended: 'mishap' });
      return;
    }
    const faxing = this.#host.faxClass() === '2' || this.#host.faxClass() === '2.0' || this.#host.setting('+FAA') === '1';
    if ((incoming.kind ?? 'fax') !== 'fax' || !faxing) {
      const connects = incoming.kind === 'data' && (this.#host.faxClass() === '0' || this.#host.setting('+FAA') === '1');
      this.#host.say(connects ? 'CONNECT 9600' : 'NO CARRIER');
      arriving.done.resolve({ answered: true, verdicts: [], ended: connects ? 'data' : 'no fax' });
      return;
    }
    this.#arriving = arriving;
    this.#host.unset('+FPTS');
    const two = this.#host.faxClass() !== '2.0';
    if (this.#host.faxClass() === '0') this.#host.takeClass();
    const { farId = '+1 212 555 0000', agreed = CAPABILITIES } = incoming;
    this.#host.say(two ? '+FCON' : '+FCO', `${two ? '+FTSI' : '+FTI'}:"${farId.padStart(20)}"`, `${two ? '+FDCS' : '+FCS'}:${agreed}`, 'OK');
  }

  fetch(): 'ERROR' | 'later' {
    const arriving = this.#arriving;
    if (arriving === null) return 'ERROR';
    if (arriving.pending) {
      const verdict = Number(this.#host.setting('+FPTS') || '1');
      this.#host.unset('+FPTS');
      arriving.pending = false;
      arriving.verdicts.push(verdict);
      if (verdict === 1 || verdict === 3 || verdict === 5) {
        arriving.page++;
        arriving.attempt = 1;
      } else if (++arriving.attempt > 3) {
        this.#host.hangUp(0, 'given up');
        return 'later';
      }
      this.#host.happened?.();
    }
    if (arriving.page >= arriving.coded.length) {
      this.#host.hangUp(0, 'hangup 0');
      return 'later';
    }
    if (this.#host.faxClass() === '2' && arriving.page === 0) this.#host.say('+FCFR');
    this.#host.say('CONNECT');
    this.#host.enter('waiting');
    return 'later';
  }

  async sendPage(): Promise<void> {
    const arriving = this.#arriving!;
    this.#host.enter('arriving');
    const coded = arriving.coded[arriving.page]!;
    const two = this.#host.faxClass() === '2';
    // Class 2 delivers the highest bit first at +FBOR=0, whatever the draft says; class 2.0 keeps to its standard.
    const plain = two ? this.#host.setting('+FBOR') !== '1' : this.#host.setting('+FBO') === '1';
    // Behind the last end of line comes some fill, as from a real line; efax misses it otherwise.
    const wire = Buffer.concat([plain ? coded : turned(coded), Buffer.alloc(3)]);
    const step: PageStep = { call: this.#host.calls() + 1, page: arriving.page + 1, attempt: arriving.attempt };
    for (let at = 0; at < wire.length; at += 512) {
      if (this.#host.mishap({ kind: 'arriving', octets: at, ...step })) return;
      if (this.#host.mode !== 'arriving') return this.#host.hangUp(2, 'stopped by the computer');
      this.#host.put(doubled(wire.subarray(at, at + 512)));
      const { clock, script: { lineBits } } = this.#host;
      await (lineBits === undefined ? new Promise(next => setImmediate(next)) : clock.sleepUntil(after(clock.now(), (512 * 8000) / lineBits)));
    }
    if (this.#host.mishap({ kind: 'arriving', octets: wire.length, ...step })) return;
    const { rows, badRows } = decodePage(coded);
    this.#host.put(Buffer.from([DLE, ETX]));
    const last = arriving.page + 1 >= arriving.coded.length;
    const figures = arriving.incoming.report ?? (two ? `1,${rows},${badRows},0,0` : `1,${rows.toString(16)},${badRows.toString(16)},0,0`);
    arriving.pending = true;
    this.#host.enter('command');
    this.#host.say(`${two ? '+FPTS' : '+FPS'}:${figures}`, `+FET:${last ? 2 : 0}`, 'OK');
  }
}
