/** Fax: the border between pages and the line. A page is a bitmap here; T.4 coding and modems are the line's business. */

/** T.4: 1728 pels a row; fine is 204 by 196 pels an inch, normal 204 by 98. */
export type FaxResolution = 'fine' | 'normal';
export const FAX_ROW_OCTETS = 216;

export interface FaxPage {
  readonly resolution: FaxResolution;
  readonly rows: number;
  /**
   * FAX_ROW_OCTETS a row; the leftmost pel is the highest bit; 1 is black.
   * Asked for when the page's turn comes, so that a fax in transmission holds one page in memory.
   */
  bitmap(signal: AbortSignal): Promise<Uint8Array>;
}

export interface FaxCall {
  /** What is dialled: digits and the modem's pauses, already cleared by the dial rules. */
  readonly number: string;
  /** TSI, at most 20 of digits, blank and plus (T.30). */
  readonly stationId: string;
  readonly pages: readonly FaxPage[];
}

/** One or several modems. Waits for a free one no longer than the signal lives. */
export interface FaxLine {
  readonly name: string;
  /** Calls under way at once. */
  readonly lines: number;
  /** One call, answered for truthfully; never rejects on purpose. */
  send(call: FaxCall, signal: AbortSignal): Promise<FaxCallReport>;
  close(): Promise<void>;
}

export interface FaxCallReport {
  readonly end: FaxCallEnd;
  /** Pages that the far side confirmed (MCF, RTP or PIP), counted from the first of this call. */
  readonly pagesConfirmed: number;
  /** A page went out whole and the line broke before its confirmation: it may be on paper already. */
  readonly lastPageUncertain: boolean;
  /** CSI of the far side. */
  readonly remoteId?: string;
  readonly modem?: string;
  readonly durationMs: number;
  /** For the log and the report: the modem's own words. */
  readonly said: string;
}

export type FaxCallEnd =
  | { readonly kind: 'sent' }
  /** Nothing was dialled: no modem, all in use, one that does not answer. */
  | { readonly kind: 'unavailable'; readonly why: 'absent' | 'in-use' | 'silent' | 'unplugged' | 'refuses' }
  /** The network's answer in phase A. */
  | { readonly kind: 'busy' | 'no-answer' | 'no-carrier' | 'no-dialtone' | 'voice' | 'blacklisted' }
  /** +FHNG or +FHS; class 2.0's hexadecimal is given as its class 2 number. */
  | { readonly kind: 'hangup'; readonly code: number }
  /** The line or the modem fell silent or spoke nonsense after the call was up. */
  | { readonly kind: 'lost'; readonly why: 'silence' | 'garbage' | 'unplugged' | 'carrier' }
  | { readonly kind: 'aborted' };
