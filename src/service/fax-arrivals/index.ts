/**
 * Faxes that came in, from the line to somebody's mailbox. Takes pages from the hardware (core/fax-arrival.ts), keeps
 * them durable before their sender hears that they are good, and hands each fax to the intake as mail: text, PDF, PNG,
 * TIFF. Must never lose a page that was confirmed: what cannot be mailed now waits in the spool, and says so.
 * ITU-T T.4; RFC 2306 (TIFF-F), RFC 3834 (Auto-Submitted).
 */
import type { FaxArrivals } from '../../core/fax-arrival.ts';
import { openPostman, type PostmanOptions } from './postman.ts';
import { openSpool, type SpoolOptions } from './spool.ts';

export interface ArrivalRoom extends FaxArrivals {
  troubles(): readonly string[];
  close(): Promise<void>;
}

export type ArrivalRoomOptions = Omit<PostmanOptions, 'spool'> & Omit<SpoolOptions, 'ready'>;

export function openArrivals(options: ArrivalRoomOptions): ArrivalRoom {
  let wake = () => undefined as void;
  const spool = openSpool({ ...options, ready: () => wake() });
  const postman = openPostman({ ...options, spool });
  wake = () => postman.wake();
  return {
    open: call => spool.open(call),
    troubles: () => postman.troubles(),
    async close() {
      await spool.close();
      await postman.close();
    },
  };
}

/** The spool alone, for a program that only puts a fax there: mgetty's hook. */
export { openSpool } from './spool.ts';
export { readG3 } from './g3-file.ts';
export type { ArrivalSettings } from './postman.ts';
