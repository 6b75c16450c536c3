/** What the two halves of the modem, the one that calls and the one that is called, need of the whole. */
import type { Clock } from '../../src/core/clock.ts';
import type { FaxScript, Step } from './script.ts';

export type Mode = 'command' | 'dialling' | 'page' | 'ending' | 'waiting' | 'arriving';

export interface Host {
  readonly script: FaxScript;
  readonly clock: Clock;
  readonly happened?: () => void;
  readonly mode: Mode;
  /** Calls so far. */
  calls(): number;
  enter(mode: Mode): void;
  faxClass(): string;
  takeClass(): void;
  setting(...names: readonly string[]): string;
  unset(name: string): void;
  say(...lines: readonly string[]): void;
  put(octets: Uint8Array): void;
  /** Does what the script orders at this step; true when it did. */
  mishap(step: Step): boolean;
  hangUp(code: number, why: string): void;
}

/** What it can do, and what is agreed upon, where the script says nothing else. */
export const CAPABILITIES = '1,5,0,2,0,0,0,0';

export const DLE = 0x10;
export const ETX = 0x03;
