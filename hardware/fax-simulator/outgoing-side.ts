/** The half that calls: dials, takes pages, and says what the far side thought of them. */
import { after } from '../../src/core/clock.ts';
import { CAPABILITIES, DLE, ETX, type Host } from './host.ts';
import { turned } from './octet-order.ts';
import { openPageBuffer, type PageBuffer } from './page-buffer.ts';
import type { PageStep, SimulatedPage } from './script.ts';

const DC1 = 0x11;
const SUB = 0x1a;
const UNDERFLOW_MS = 5000;

interface Call {
  number: string;
  stationId: string;
  pages: SimulatedPage[];
  ended: string | null;
}

export class OutgoingSide {
  readonly calls: Call[] = [];
  readonly #host: Host;
  #call: Call | null = null;
  #agreedSaid = false;
  #page: { readonly chunks: Buffer[]; readonly buffer: PageBuffer; readonly step: PageStep; readonly fine: boolean; octets: number; escaped: boolean } | null = null;
  #attempt = 1;
  #confirmed = 0;
  #pending: SimulatedPage | null = null;
  #underflow = new AbortController();

  constructor(host: Host) {
    this.#host = host;
  }

  get up(): boolean {
    return this.#call !== null;
  }

  get lastVerdict(): number {
    return this.#pending?.verdict ?? this.calls.at(-1)?.pages.at(-1)?.verdict ?? 1;
  }

  end(why: string): void {
    if (this.#call !== null && this.#call.ended === null) this.#call.ended = why;
  }

  /** ATH: the call is nobody's any more. */
  forget(): void {
    this.#call = null;
  }

  /** What has come of a page is kept. */
  drop(): void {
    this.#underflow.abort();
    this.#keepPage(false);
  }

  /** Nothing moves any more, and nothing is kept. */
  stall(): void {
    this.#underflow.abort();
    this.#page?.buffer.close();
  }

  dial(text: string, stationId: string): 'later' {
    const host = this.#host;
    const call: Call = { number: text.replace(/^[TP]/i, ''), stationId, pages: [], ended: null };
    this.calls.push(call);
    this.#call = call;
    this.#agreedSaid = false;
    this.#confirmed = 0;
    this.#attempt = 1;
    host.enter('dialling');
    if (host.mishap({ kind: 'dial', call: this.calls.length, number: call.number })) {
      if (this.#call === null || call.ended !== null) host.enter('command');
      return 'later';
    }
    host.enter('command');
    const { farId = '+49 89 1234', capabilities = CAPABILITIES } = host.script;
    const two = host.faxClass() === '2';
    host.say(two ? '+FCON' : '+FCO', `${two ? '+FCSI' : '+FCI'}:"${farId.padStart(20)}"`, `${two ? '+FDIS' : '+FIS'}:${capabilities}`, 'OK');
    return 'later';
  }

  #step(): PageStep {
    return { call: this.calls.length, page: this.#confirmed + 1, attempt: this.#attempt };
  }

  go(): 'ERROR' | 'later' {
    const host = this.#host;
    if (this.#call === null || this.#call.ended !== null) return 'ERROR';
    const step = this.#step();
    if (host.mishap({ kind: 'go', ...step })) return 'later';
    const two = host.faxClass() === '2';
    const { agreed = CAPABILITIES, bufferOctets = 1024, lineBits } = host.script;
    const wish = host.setting(...(two ? ['+FDIS', '+FDCC'] : ['+FIS', '+FCC'])) || CAPABILITIES;
    const fine = wish.startsWith('1') && agreed.startsWith('1');
    if (!this.#agreedSaid) host.say(`${two ? '+FDCS' : '+FCS'}:${fine ? 1 : 0}${agreed.slice(1)}`);
    this.#agreedSaid = true;
    host.say('CONNECT');
    const { clock } = host;
    this.#page = {
      chunks: [], step, fine, octets: 0, escaped: false,
      buffer: openPageBuffer({ octets: bufferOctets, ...(lineBits === undefined ? {} : { lineBits }), clock, say: octet => host.put(Buffer.from([octet])) }),
    };
    this.#pending = null;
    host.enter('page');
    if (host.mishap({ kind: 'ready', ...step })) return 'later';
    if (two) host.put(Buffer.from([DC1]));
    this.#watchUnderflow();
    return 'later';
  }

  #watchUnderflow(): void {
    const host = this.#host;
    const { clock, script: { underflowMs = UNDERFLOW_MS } } = host;
    this.#underflow.abort();
    this.#underflow = new AbortController();
    const { signal } = this.#underflow;
    void clock.sleepUntil(after(clock.now(), underflowMs), signal).then(() => {
      if (!signal.aborted && host.mode === 'page') host.hangUp(43, 'underflow');
    });
  }

  /** How many octets were page data; the rest belongs to what comes behind. */
  take(octets: Uint8Array): number {
    const host = this.#host;
    const page = this.#page!;
    // Nothing may be lost of what ends the page: the buffer is asked for the data only.
    const kept = page.buffer.take(octets);
    this.#watchUnderflow();
    const found: number[] = [];
    let end: number | null = null;
    let at = 0;
    for (; at < kept.length && end === null; at++) {
      const octet = kept[at]!;
      if (!page.escaped) {
        if (octet === DLE) page.escaped = true;
        else found.push(octet);
        continue;
      }
      page.escaped = false;
      if (octet === DLE) found.push(DLE);
      else if (octet === SUB && host.faxClass() === '2.0') found.push(DLE, DLE);
      else if (octet === ETX || (host.faxClass() === '2.0' && (octet === 0x2c || octet === 0x3b || octet === 0x2e))) end = octet;
    }
    page.chunks.push(Buffer.from(found));
    page.octets += found.length;
    if (host.mishap({ kind: 'page', octets: page.octets, ...page.step })) return octets.length;
    if (end === null) return octets.length;
    this.#underflow.abort();
    host.enter('ending');
    void this.#endPage(end);
    return at;
  }

  async #endPage(mark: number): Promise<void> {
    const host = this.#host;
    const page = this.#page!;
    await page.buffer.empty();
    if (this.#page !== page || host.mode !== 'ending') return;
    this.#keepPage(true);
    host.enter('command');
    if (host.mishap({ kind: 'page-end', ...page.step })) return;
    if (mark === ETX) host.say('OK');
    else this.judge(mark === 0x2e ? 2 : 0);
  }

  #keepPage(whole: boolean): void {
    const host = this.#host;
    const page = this.#page;
    if (page === null) return;
    page.buffer.close();
    this.#page = null;
    const wire = Buffer.concat(page.chunks);
    const order = host.setting('+FBOR', '+FBO');
    const kept: SimulatedPage = { coded: order === '1' ? wire : turned(wire), attempt: page.step.attempt, fine: page.fine, lostOctets: page.buffer.lostOctets, whole };
    this.#call?.pages.push(kept);
    this.#pending = kept;
    host.happened?.();
  }

  /** `what`: 0 another page, 1 another document, 2 the end. */
  judge(what: number): 'ERROR' | 'later' {
    const host = this.#host;
    if (this.#call === null || this.#pending === null) return 'ERROR';
    const step = this.#step();
    if (host.mishap({ kind: 'verdict', ...step })) return 'later';
    const verdict = host.script.verdict?.(step) ?? 1;
    this.#pending.verdict = verdict;
    this.#pending = null;
    const good = verdict === 1 || verdict === 3 || verdict === 5;
    if (good) {
      this.#confirmed++;
      this.#attempt = 1;
    } else this.#attempt++;
    if (host.faxClass() === '2') host.say(`+FPTS:${verdict}`);
    if (good && what === 2) host.hangUp(0, 'hangup 0');
    else host.say(good || host.faxClass() === '2' ? 'OK' : 'ERROR');
    return 'later';
  }
}
