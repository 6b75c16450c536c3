/**
 * The modem itself: octets from the computer in, octets to the computer out. What it knows of class 2 and 2.0 is
 * written down here once more and independently of the product's driver, so that the two can contradict each other.
 *
 *   command ──ATD──▶ dialling ──+FCON──▶ command ──AT+FDT──▶ page ──DLE ETX──▶ command ──AT+FET──▶ …
 *   command ──ATA──▶ command ──AT+FDR──▶ waiting ──DC2──▶ arriving ──DLE ETX──▶ command ──AT+FDR──▶ …
 */
import type { Clock } from '../../src/core/clock.ts';
import { splitAtLine } from './at-line.ts';
import { CAPABILITIES, DLE, ETX, type Host, type Mode } from './host.ts';
import { IncomingSide } from './incoming-side.ts';
import { OutgoingSide } from './outgoing-side.ts';
import type { Dialect, FaxScript, IncomingCall, IncomingResult, SimulatedCall, Step } from './script.ts';

const DC1 = 0x11;
const DC2 = 0x12;
const CAN = 0x18;
const LONGEST_LINE = 2000;
const ALL_PARAMETERS = '(0,1),(0-5),(0-4),(0-2),(0),(0),(0),(0-7)';

/** What it obeys without a word, per class; all else is ERROR. */
const SILENTLY: Readonly<Record<Dialect | 'both', readonly string[]>> = {
  '2': ['+FDCC', '+FDIS', '+FCIG', '+FBOR', '+FMINSP', '+FPHCTO', '+FREL', '+FBUG', '+FCQ', '+FTBC', '+FVRFC', '+FECM', '+FLNFC', '+FWDFC', '+FCTCRTY'],
  '2.0': ['+FCC', '+FIS', '+FPI', '+FBO', '+FMS', '+FLO', '+FNR', '+FCT', '+FEA', '+FBU', '+FRQ', '+FIE', '+FCQ', '+FFC', '+FBS', '+FRY', '+FNS', '+FPP', '+FAP'],
  both: ['+FCR', '+FAA', '+FSPL', '+FPR', '+FIP', '+FLP', '+VCID', '#CID', '+IFC', '+IPR', '+GCI'],
};

export interface ModemGiven {
  readonly script: FaxScript;
  readonly clock: Clock;
  readonly say: (octets: Uint8Array) => void;
  readonly unplug: () => void;
  readonly happened?: () => void;
}

export class SimulatedModem {
  readonly #given: ModemGiven;
  #mode: Mode = 'command';
  #mute = false;
  #echo = true;
  #quiet = false;
  #class: string = '0';
  #line = '';
  #settings = new Map<string, string>();
  readonly #outgoing: OutgoingSide;
  readonly #incoming: IncomingSide;

  constructor(given: ModemGiven) {
    this.#given = given;
    const host = this.#host();
    this.#outgoing = new OutgoingSide(host);
    this.#incoming = new IncomingSide(host);
  }

  get calls(): readonly SimulatedCall[] {
    return this.#outgoing.calls;
  }

  #host(): Host {
    const mode = () => this.#mode;
    return {
      ...this.#given,
      get mode() { return mode(); },
      calls: () => this.#outgoing.calls.length,
      enter: next => {
        this.#mode = next;
      },
      faxClass: () => this.#class,
      takeClass: () => {
        this.#class = '2';
      },
      setting: (...names) => this.#setting(...names),
      unset: name => this.#settings.delete(name),
      say: (...lines) => this.#say(...lines),
      put: octets => this.#put(octets),
      mishap: step => this.#mishap(step),
      hangUp: (code, why) => this.#hangUp(code, why),
    };
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
      if (this.#mode === 'page') at += this.#outgoing.take(octets.subarray(at));
      else this.#takeOctet(octets[at++]!);
    }
  }

  /** The cable is out: calls end here. */
  cut(why: string): void {
    this.#outgoing.stall();
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
    if (command.startsWith('D')) return this.#outgoing.dial(command.slice(1), this.stationId);
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
      case '+FDT': return this.#outgoing.go();
      case '+FET': return this.#outgoing.judge(Number(rest.slice(1)) % 4);
      case '+FDR': return this.#incoming.fetch();
      case '+FPTS':
      case '+FPS':
        if (rest === '?') return this.#tell(String(this.#outgoing.lastVerdict));
        this.#settings.set('+FPTS', rest.slice(1));
        return 'OK';
      case '+FK':
      case '+FKS':
        if (!this.#outgoing.up && !this.#incoming.up) return 'OK';
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
        this.#outgoing.forget();
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
        this.#outgoing.stall();
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
    this.#outgoing.drop();
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
    this.#outgoing.end(why);
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
