/** One modem as configured. */
import type { DialectName } from './dialects.ts';

export interface ModemSettings {
  /** What it is called in logs and reports; `ttyS0`. */
  readonly name: string;
  readonly device: string;
  /** Our own, or mgetty's sendfax. */
  readonly driver: 'native' | 'sendfax';
  readonly baud: number;
  readonly fax: DialectName | 'auto';
  readonly flow: 'software' | 'hardware';
  /** Sent behind the profile's own, for this modem alone. */
  readonly init: readonly string[];
  /** Name of a profile; absent: by the modem's own identity. */
  readonly profile?: string;
  /** In front of the number: `D`, `DT`, `DP`, `DT0,`. */
  readonly dial: string;
  readonly stationId: string;
  /** Where UUCP programs look for lock files. */
  readonly lockFolder: string;
  /** Rings before we take the call; 0: somebody else answers here, or nobody. */
  readonly answerAfterRings: number;
}
