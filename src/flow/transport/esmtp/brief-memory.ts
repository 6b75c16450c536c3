/** Facts that hold for a while, a bounded number of them: the oldest goes first. */
import type { Clock, Instant } from '../../../core/clock.ts';

export interface BriefMemory<T> {
  note(key: string, fact: T, until: Instant): void;
  recall(key: string): { readonly fact: T; readonly until: Instant } | null;
  forget(key: string): void;
  clear(): void;
}

export function createBriefMemory<T>(clock: Clock, limit: number): BriefMemory<T> {
  const facts = new Map<string, { readonly fact: T; readonly until: Instant }>();
  return {
    note(key, fact, until) {
      facts.delete(key);
      facts.set(key, { fact, until });
      if (facts.size > limit) facts.delete(facts.keys().next().value as string);
    },
    recall(key) {
      const found = facts.get(key);
      if (found === undefined) return null;
      if (found.until > clock.now()) return found;
      facts.delete(key);
      return null;
    },
    forget(key) {
      facts.delete(key);
    },
    clear() {
      facts.clear();
    },
  };
}
