/** Faxes that come in: what the line hands over. A page is on disk before the sender is told that it is good. */
import type { FaxResolution } from './fax.ts';

export interface FaxArrivals {
  /** Null: there is no room, so the call is not taken. */
  open(call: ArrivingCall): Promise<FaxArrival | null>;
}

export interface ArrivingCall {
  /** The modem that rings, by its configured name. */
  readonly modem: string;
  /** As the telephone network told it. */
  readonly callerId?: string;
  /** The number that was called, where several lead to one modem. */
  readonly calledId?: string;
  readonly at: number;
}

export interface FaxArrival {
  /** Resolves when the page would survive a power cut; 'full': it is not kept. */
  page(page: ArrivedPage): Promise<'kept' | 'full'>;
  /** The call is over; from now on the pages are somebody's mail. */
  end(end: ArrivalEnd): Promise<void>;
}

export interface ArrivedPage {
  readonly resolution: FaxResolution;
  readonly rows: number;
  /** Rows that could not be read, and stand there as the one above them. */
  readonly badRows: number;
  /** T.4 one-dimensional, highest bit first, mended: every row is 1728 pels. */
  readonly coded: Uint8Array;
  /** What the sender was told of it. */
  readonly verdict: 'confirmed' | 'refused';
  /** Its end arrived. */
  readonly whole: boolean;
}

export interface ArrivalEnd {
  /** TSI: whatever the sender says it is. */
  readonly senderId?: string;
  /** Every page arrived, and the line was ended in order. */
  readonly complete: boolean;
  /** Class 2's number. */
  readonly hangup?: number;
  /** The modem's own words. */
  readonly said: string;
}
