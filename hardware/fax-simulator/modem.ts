/**
 * The modem itself: octets from the computer in, octets to the computer out. What it knows of class 2 and 2.0 is
 * written down here once more and independently of the product's driver, so that the two can contradict each other.
 *
 *   command ──ATD──▶ dialling ──+FCON──▶ command ──AT+FDT──▶ page ──DLE ETX──▶ command ──AT+FET──▶ …
 *   command ──ATA──▶ command ──AT+FDR──▶ waiting ──DC2──▶ arriving ──DLE ETX──▶ command ──AT+FDR──▶ …
 */
import { after, type Clock } from '../../src/core/clock.ts';
import { splitAtLine } from './at-line.ts';
import { openPageBuffer, type PageBuffer } from './page-buffer.ts';
import type { Dialect, FaxScript, IncomingCall, IncomingResult, PageStep, SimulatedPage, Step } from './script.ts';
import { IncomingSide } from './incoming-side.ts';
import { turned } from './octet-order.ts';

const DLE = 0x10;
const ETX = 0x03;
const DC1 = 0x11;
const DC2 = 0x12;
const CAN = 0x18;
const SUB = 0x1a;
const UNDERFLOW_MS = 5000;
const LONGEST_LINE = 2000;
const ALL_PARAMETERS = '(0,1),(0-5),(0-4),(0-2),(0),(0),(0),(0-7)';
const CAPABILITIES = '1,5,0,2,0,0,0,0';

/** What it obeys without a word, per class; all else is ERROR. */
const SILENTLY: Readonly<Record<Dialect | 'both', readonly string[]>> = {
  '2': ['+FDCC', '+FDIS', '+FCIG', '+FBOR', '+FMINSP', '+FPHCTO', '+FREL', '+FBUG', '+FCQ', '+FTBC', '+FVRFC', '+FECM', '+FLNFC', '+FWDFC', '+FCTCRTY'],
  '2.0': ['+FCC', '+FIS', '+FPI', '+FBO', '+FMS', '+FLO', '+FNR', '+FCT', '+FEA', '+FBU', '+FRQ', '+FIE', '+FCQ', '+FFC', '+FBS', '+FRY', '+FNS', '+FPP', '+FAP'],
  both: ['+FCR', '+FAA', '+FSPL', '+FPR', '+FIP', '+FLP', '+VCID', '#CID', '+IFC', '+IPR', '+GCI'],
};

interface Call {
  number: string;
  stationId: string;
  pages: SimulatedPage[];
  ended: string | null;
}

export interface ModemGiven {
  readonly script: FaxScript;
  readonly clock: Clock;
  readonly say: (octets: Uint8Array) => void;
  readonly unplug: () => void;
  readonly happened?: () => void;
}

export class SimulatedModem {
  readonly calls: Call[] = [];
  readonly #given: ModemGiven;
  #mode: 'command' | 'dialling' | 'page' | 'ending' | 'waiting' | 'arriving' = 'command';
  #mute = false;
  #echo = true;
  #quiet = false;
  #class: string = '0';
  #line = '';
  #settings = new Map<string, string>();
  #call: Call | null = null;
  #agreedSaid = false;
  #page: { readonly chunks: Buffer[]; readonly buffer: PageBuffer; readonly step: PageStep; octets: number; escaped: boolean } | null = null;
  #attempt = 1;
  #confirmed = 0;
  #pending: SimulatedPage | null = null;
  #underflow = new AbortController();
  readonly #incoming: IncomingSide;

  constructor(given: ModemGiven) {
    this.#given = given;
    this.#incoming = new IncomingSide({
      ...given,
      call: () => this.calls.length + 1,
      faxClass: () => this.#class,
      takeClass: () => {
        this.#class = '2';
      },
      mode: mode => {
        this.#mode = mode;
      },
      isArriving: () => this.#mode === 'arriving',
      setting: (...names) => this.#setting(...names),
      unset: name => this.#settings.delete(name),
      say: (...lines) => this.#say(...lines),
      put: octets => this.#put(octets),
      mishap: step => this.#mishap(step),
      hangUp: (code, why) => this.#hangUp(code, why),
    });
  }

  /** It speaks again. */
  revive(): void {
    this.#mute = false;
    this.#mode = 'command';
    this.#line = '';
  }

  get stationId(): string {
    return this.#setting('+FLID', '+FLI').replaceAll('"', '');
  }

  feed(octets: Uint8Array): void {
    if (this.#mute) return;
    for (let at = 0; at < octets.length;) {
      if (this.#mode === 'page') at += this.#takePage(octets.subarray(at));
      else this.#takeOctet(octets[at++]!);
    }
  }

  /** The cable is out: calls end here. */
  cut(why: string): void {
    this.#underflow.abort();
    this.#page?.buffer.close();
    this.#end(why);
    this.#mode = 'command';
    this.#line = '';
  }

  ring(incoming: IncomingCall): Promise<IncomingResult> {
    return this.#incoming.ring(incoming);
  }

  #takeOctet(octet: number): void {
    switch (this.#mode) {
      case 'dialling':
        // Any octet aborts a call that is being set up (ITU-T V.250 §5.6.1).
        this.#mode = 'command';
        this.#end('aborted');
        this.#say('NO CARRIER');
        return;
      case 'waiting':
        if (octet === DC1 || octet === DC2) void this.#incoming.sendPage();
        return;
      case 'arriving':
        if (octet === CAN) this.#mode = 'command';
        return;
      case 'page':
      case 'ending':
        return;
      case 'command':
      default:
        if (this.#echo) this.#put(Buffer.from([octet]));
        if (octet === 0x0d) {
          const line = this.#line;
          this.#line = '';
          this.#obeyLine(line);
        } else if (octet !== 0x0a && this.#line.length < LONGEST_LINE) this.#line += String.fromCharCode(octet);
    }
  }

  #obeyLine(line: string): void {
    // What stands before the last AT is noise: the rest of a page, or half a command.
    const commands = splitAtLine(/AT(?!.*AT).*$/is.exec(line)?.[0] ?? line);
    if (commands === null) return;
    for (const command of commands) {
      if (this.#mishap({ kind: 'command', text: command })) return;
      const answer = this.#obey(command);
      if (answer === 'later') return;
      if (answer === 'ERROR') {
        this.#say('ERROR');
        return;
      }
    }
    this.#say('OK');
  }

  #obey(command: string): 'OK' | 'ERROR' | 'later' {
    const [, name = '', rest = ''] = /^([+#][A-Z0-9]+|[&\\%*]?[A-Z]\d*)(.*)$/is.exec(command) ?? [];
    if (command.startsWith('D')) return this.#dial(command.slice(1));
    if (!/^[+#]/.test(command)) return this.#obeyBasic(command);
    const word = name.toUpperCase();
    switch (word) {
      case '+FCLASS':
        return this.#selectClass(rest);
      case '+FLID':
      case '+FLI':
        if (rest.replaceAll(/[="]/g, '').length > 20) return 'ERROR';
        this.#settings.set(word, rest.slice(1));
        return 'OK';
      case '+FMFR': case '+FMI': return this.#tell(this.#given.script.maker ?? 'POSTHORN');
      case '+FMDL': case '+FMM': return this.#tell(this.#given.script.model ?? 'FAX SIMULATOR');
      case '+FREV': case '+FMR': return this.#tell(this.#given.script.revision ?? '1.0');
      case '+FDT': return this.#go();
      case '+FET': return this.#judge(Number(rest.slice(1)) % 4);
      case '+FDR': return this.#incoming.fetch();
      case '+FPTS':
      case '+FPS':
        if (rest === '?') return this.#tell(String(this.#pending?.verdict ?? this.calls.at(-1)?.pages.at(-1)?.verdict ?? 1));
        this.#settings.set('+FPTS', rest.slice(1));
        return 'OK';
      case '+FK':
      case '+FKS':
        if (this.#call === null && !this.#incoming.up) return 'OK';
        this.#hangUp(2, 'aborted');
        return 'later';
      default:
        return this.#set(word, rest);
    }
  }

  #set(word: string, rest: string): 'OK' | 'ERROR' {
    const { classes = ['2', '2.0'] } = this.#given.script;
    if (!SILENTLY.both.includes(word) && !classes.some(one => SILENTLY[one].includes(word))) return 'ERROR';
    if (rest === '=?') return this.#tell(word === '+FDCC' || word === '+FDIS' || word === '+FCC' || word === '+FIS' ? ALL_PARAMETERS : '(0-255)');
    if (rest === '?') return this.#tell(this.#settings.get(word) ?? (/^\+F(?:DCC|DIS|CC|IS)$/.test(word) ? CAPABILITIES : '0'));
    this.#settings.set(word, rest.slice(1));
    return 'OK';
  }

  #obeyBasic(command: string): 'OK' | 'ERROR' | 'later' {
    const letter = command[0];
    const figure = command.slice(1) === '' ? '0' : command.slice(1);
    switch (letter) {
      case 'E':
        this.#echo = figure === '1';
        return 'OK';
      case 'Q':
        this.#quiet = figure === '1';
        return 'OK';
      case 'Z':
        this.#settings.clear();
        this.#class = '0';
        this.#echo = true;
        this.#end('reset');
        return 'OK';
      case 'H':
        this.#end('hung up');
        this.#call = null;
        return 'OK';
      case 'S':
        this.#settings.set(command.split('=')[0]!, command.split('=')[1] ?? '0');
        return 'OK';
      case 'I':
        return this.#tell(`${this.#given.script.maker ?? 'POSTHORN'} ${this.#given.script.model ?? 'FAX SIMULATOR'}`);
      case 'A':
        this.#incoming.answer();
        return 'later';
      case undefined:
      default:
        return 'OK';
    }
  }

  #selectClass(rest: string): 'OK' | 'ERROR' {
    const { classes = ['2', '2.0'] } = this.#given.script;
    if (rest === '=?') return this.#tell(['0', ...classes].join(','));
    if (rest === '?') return this.#tell(this.#class);
    const wanted = rest.slice(1);
    if (wanted !== '0' && wanted !== '2' && wanted !== '2.0') return 'ERROR';
    if (wanted !== '0' && !classes.includes(wanted)) return 'ERROR';
    this.#class = wanted;
    return 'OK';
  }

  #dial(text: string): 'later' {
    const call: Call = { number: text.replace(/^[TP]/i, ''), stationId: this.stationId, pages: [], ended: null };
    this.calls.push(call);
    this.#call = call;
    this.#agreedSaid = false;
    this.#confirmed = 0;
    this.#attempt = 1;
    this.#mode = 'dialling';
    if (this.#mishap({ kind: 'dial', call: this.calls.length, number: call.number })) {
      if (this.#call === null || call.ended !== null) this.#mode = 'command';
      return 'later';
    }
    this.#mode = 'command';
    const { farId = '+49 89 1234', capabilities = CAPABILITIES } = this.#given.script;
    const two = this.#class === '2';
    this.#say(two ? '+FCON' : '+FCO', `${two ? '+FCSI' : '+FCI'}:"${farId.padStart(20)}"`, `${two ? '+FDIS' : '+FIS'}:${capabilities}`, 'OK');
    return 'later';
  }

  #step(): PageStep {
    return { call: this.calls.length, page: this.#confirmed + 1, attempt: this.#attempt };
  }

  #go(): 'ERROR' | 'later' {
    if (this.#call === null || this.#call.ended !== null) return 'ERROR';
    const step = this.#step();
    if (this.#mishap({ kind: 'go', ...step })) return 'later';
    const two = this.#class === '2';
    const { agreed = CAPABILITIES, bufferOctets = 1024, lineBits } = this.#given.script;
    const wish = this.#settings.get(two ? '+FDIS' : '+FIS') ?? this.#settings.get(two ? '+FDCC' : '+FCC') ?? CAPABILITIES;
    const fine = wish.startsWith('1') && agreed.startsWith('1');
    if (!this.#agreedSaid) this.#say(`${two ? '+FDCS' : '+FCS'}:${fine ? 1 : 0}${agreed.slice(1)}`);
    this.#agreedSaid = true;
    this.#say('CONNECT');
    const { clock } = this.#given;
    this.#page = {
      chunks: [], step, octets: 0, escaped: false,
      buffer: openPageBuffer({ octets: bufferOctets, ...(lineBits === undefined ? {} : { lineBits }), clock, say: octet => this.#put(Buffer.from([octet])) }),
    };
    this.#pending = null;
    this.#settings.set(':fine', fine ? '1' : '0');
    this.#mode = 'page';
    if (this.#mishap({ kind: 'ready', ...step })) return 'later';
    if (two) this.#put(Buffer.from([DC1]));
    this.#watchUnderflow();
    return 'later';
  }

  #watchUnderflow(): void {
    const { clock, script: { underflowMs = UNDERFLOW_MS } } = this.#given;
    this.#underflow.abort();
    this.#underflow = new AbortController();
    const { signal } = this.#underflow;
    void clock.sleepUntil(after(clock.now(), underflowMs), signal).then(() => {
      if (!signal.aborted && this.#mode === 'page') this.#hangUp(43, 'underflow');
    });
  }

  /** How many octets were page data; the rest belongs to what comes behind. */
  #takePage(octets: Uint8Array): number {
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
      else if (octet === SUB && this.#class === '2.0') found.push(DLE, DLE);
      else if (octet === ETX || (this.#class === '2.0' && (octet === 0x2c || octet === 0x3b || octet === 0x2e))) end = octet;
    }
    page.chunks.push(Buffer.from(found));
    page.octets += found.length;
    if (this.#mishap({ kind: 'page', octets: page.octets, ...page.step })) return octets.length;
    if (end === null) return octets.length;
    this.#underflow.abort();
    this.#mode = 'ending';
    void this.#endPage(end);
    return at;
  }

  async #endPage(mark: number): Promise<void> {
    const page = this.#page!;
    await page.buffer.empty();
    if (this.#page !== page || this.#mode !== 'ending') return;
    this.#keepPage(true);
    this.#mode = 'command';
    if (this.#mishap({ kind: 'page-end', ...page.step })) return;
    if (mark === ETX) this.#say('OK');
    else this.#judge(mark === 0x2e ? 2 : 0);
  }

  #keepPage(whole: boolean): void {
    const page = this.#page;
    if (page === null) return;
    page.buffer.close();
    this.#page = null;
    const wire = Buffer.concat(page.chunks);
    const order = this.#setting('+FBOR', '+FBO');
    const kept: SimulatedPage = { coded: order === '1' ? wire : turned(wire), attempt: page.step.attempt, fine: this.#setting(':fine') === '1', lostOctets: page.buffer.lostOctets, whole };
    this.#call?.pages.push(kept);
    this.#pending = kept;
    this.#given.happened?.();
  }

  /** `what`: 0 another page, 1 another document, 2 the end. */
  #judge(what: number): 'ERROR' | 'later' {
    if (this.#call === null || this.#pending === null) return 'ERROR';
    const step = this.#step();
    if (this.#mishap({ kind: 'verdict', ...step })) return 'later';
    const verdict = this.#given.script.verdict?.(step) ?? 1;
    this.#pending.verdict = verdict;
    this.#pending = null;
    const good = verdict === 1 || verdict === 3 || verdict === 5;
    if (good) {
      this.#confirmed++;
      this.#attempt = 1;
    } else this.#attempt++;
    if (this.#class === '2') this.#say(`+FPTS:${verdict}`);
    if (good && what === 2) this.#hangUp(0, 'hangup 0');
    else this.#say(good || this.#class === '2' ? 'OK' : 'ERROR');
    return 'later';
  }

  /** Does what the script orders at this step; true when it did. */
  #mishap(step: Step): boolean {
    const mishap = this.#given.script.at?.(step);
    if (mishap === undefined) return false;
    switch (mishap.kind) {
      case 'hangup':
        this.#hangUp(mishap.code, `hangup ${mishap.code}`);
        return true;
      case 'says':
        if (mishap.leaves === 'gone') this.#drop('gone');
        this.#mode = mishap.leaves === 'call' ? this.#mode : 'command';
        this.#say(...mishap.lines);
        if (step.kind === 'dial' && mishap.leaves !== 'call') this.#end(mishap.lines.join(' '));
        return true;
      case 'octets':
        this.#put(mishap.octets);
        // Noise in a page does not stop it.
        return step.kind !== 'page' && step.kind !== 'arriving';
      case 'silence':
        this.#mute = true;
        this.#underflow.abort();
        this.#page?.buffer.close();
        return true;
      case 'unplug':
        this.cut('unplugged');
        this.#mute = true;
        this.#given.unplug();
        return true;
      default:
        return mishap satisfies never;
    }
  }

  #drop(why: string): void {
    this.#underflow.abort();
    this.#keepPage(false);
    this.#end(why);
  }

  #hangUp(code: number, why: string): void {
    // A page on its way in is ended first.
    if (this.#mode === 'arriving') this.#put(Buffer.from([DLE, ETX]));
    this.#drop(why);
    this.#mode = 'command';
    this.#say(this.#class === '2.0' ? `+FHS:${hangupText(code)}` : `+FHNG:${code}`, 'OK');
  }

  #end(why: string): void {
    if (this.#call !== null && this.#call.ended === null) this.#call.ended = why;
    this.#incoming.end(why);
    this.#given.happened?.();
  }

  #setting(...names: readonly string[]): string {
    for (const name of names) {
      const value = this.#settings.get(name);
      if (value !== undefined) return value;
    }
    return '';
  }

  #tell(text: string): 'OK' {
    this.#say(text);
    return 'OK';
  }

  #say(...lines: readonly string[]): void {
    if (this.#quiet) return;
    for (const line of lines) this.#put(Buffer.from(`\r\n${line}\r\n`, 'latin1'));
  }

  #put(octets: Uint8Array): void {
    if (!this.#mute) this.#given.say(octets);
  }
}

/** Class 2.0 writes class 2's digits as if they were hexadecimal, and 100 to 103 as A0 to A3. */
function hangupText(code: number): string {
  return code >= 100 && code <= 103 ? `A${code - 100}` : String(code).padStart(2, '0');
}
