/** What a simulated modem is told to be and to suffer. Everything left out is a modem, a line and a far side in order. */

export type Dialect = '2' | '2.0';

export interface FaxScript {
  /** Fax classes it has; default both. */
  readonly classes?: readonly Dialect[];
  readonly maker?: string;
  readonly model?: string;
  readonly revision?: string;
  /** Its buffer for page data; octets beyond it are lost, as in a real one. */
  readonly bufferOctets?: number;
  /** Bits a second of the telephone line, by the simulator's clock; absent: as fast as the octets come. */
  readonly lineBits?: number;
  /** Without page data for so long, the call ends (+FHNG:43); default five seconds. */
  readonly underflowMs?: number;
  /** Octets a write of what it says; absent: each answer at once. */
  readonly cutOctets?: number;
  /** Which parameters the far side can do and which are agreed: VR,BR,WD,LN,DF,EC,BF,ST. */
  readonly capabilities?: string;
  readonly agreed?: string;
  readonly farId?: string;
  /** Verdict on a page, +FPTS's numbers: 1 MCF, 2 RTN, 3 RTP, 4 PIN, 5 PIP. */
  verdict?(page: PageStep): number;
  /** Asked at every step of the dialogue; what it gives happens instead of what a good modem would do. */
  at?(step: Step): Mishap | undefined;
}

export interface PageStep {
  /** Calls of this modem, from 1; pages of this call that were agreed on so far, plus one. */
  readonly call: number;
  readonly page: number;
  /** 1: for the first time. */
  readonly attempt: number;
}

export type Step =
  /** One extended or basic command, `+FCLASS=2`, `H0`. */
  | { readonly kind: 'command'; readonly text: string }
  | { readonly kind: 'dial'; readonly call: number; readonly number: string }
  | { readonly kind: 'answer'; readonly call: number }
  /** AT+FDT, before CONNECT; class 2's DC1; page octets that arrived so far; the page's end; the question after it. */
  | ({ readonly kind: 'go' | 'ready' | 'page-end' | 'verdict' } & PageStep)
  | ({ readonly kind: 'page'; readonly octets: number } & PageStep)
  /** A page on its way to the computer, after `octets` of it. */
  | ({ readonly kind: 'arriving'; readonly octets: number } & PageStep);

export type Mishap =
  | { readonly kind: 'hangup'; readonly code: number }
  /** Lines, each between CR LF; `leaves` is what the modem thinks afterwards. */
  | { readonly kind: 'says'; readonly lines: readonly string[]; readonly leaves?: 'command' | 'call' | 'gone' }
  | { readonly kind: 'octets'; readonly octets: Uint8Array }
  | { readonly kind: 'silence' }
  | { readonly kind: 'unplug' };

/** A call that somebody makes to the modem. */
export interface IncomingCall {
  readonly kind?: 'fax' | 'data' | 'voice';
  readonly farId?: string;
  readonly callerId?: string;
  readonly agreed?: string;
  /** Pages as bitmaps of 216 octets a row. */
  readonly pages: readonly Uint8Array[];
  /** Coded pages instead (highest bit first), for what no bitmap gives: broken lines. */
  readonly coded?: readonly Uint8Array[];
  /** The modem's own count in its report on each page. */
  readonly report?: string;
  /** Rings until it gives up; default 10. */
  readonly rings?: number;
}

export interface SimulatedPage {
  /** As it went over the line: highest bit first, DLE undone. */
  readonly coded: Buffer;
  readonly attempt: number;
  readonly fine: boolean;
  /** Octets that found the buffer full. */
  readonly lostOctets: number;
  /** Its end was marked. */
  readonly whole: boolean;
  verdict?: number;
}

/** What became of a call, as the modem saw it. */
export interface SimulatedCall {
  readonly number: string;
  readonly stationId: string;
  readonly pages: readonly SimulatedPage[];
  /** How it ended: `hangup 0`, `aborted`, `unplugged`, … null: still up. */
  readonly ended: string | null;
}

export interface IncomingResult {
  readonly answered: boolean;
  /** Verdict that the computer gave each page, in order; a page it never judged is missing. */
  readonly verdicts: readonly number[];
  readonly ended: string;
}
