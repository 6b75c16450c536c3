/** Filters that live in this process, by the name that filters/active gives them. */
import type { Clock } from '../../core/clock.ts';
import type { MessageId } from '../../core/envelope.ts';
import type { Filter } from '../../core/policy.ts';
import type { BuiltInName, BuiltInSettings } from '../../grammar/config/filter-folder.ts';
import { createDuplicates } from './duplicates.ts';
import { createRates } from './rates.ts';
import { createVerification, type Verified } from './verification.ts';

export interface House {
  readonly clock: Clock;
  /** Gives up messages that wait in the queue. */
  cancel(ids: readonly MessageId[], reason: string): Promise<void>;
  uidOf(account: string): number | null;
  /** Asks the mail exchangers of an address whether they take mail for it. */
  verify(address: string, signal: AbortSignal): Promise<Verified>;
}

export function createBuiltIn(name: BuiltInName, { duplicates, rate, verification }: BuiltInSettings, whenAbsent: 'pass' | 'defer', house: House): Filter {
  switch (name) {
    case 'dupfilter':
      return createDuplicates({ ...duplicates, cancel: house.cancel });
    case 'ratefilter':
      return createRates({ ...rate, uidOf: house.uidOf, clock: house.clock });
    case 'verifyfilter':
      return createVerification({ ...verification, whenAbsent, verify: house.verify, clock: house.clock });
    default: {
      const never: never = name;
      throw new Error(`no such filter ${String(never)}`);
    }
  }
}
