/**
 * A process that dies at its n-th await: from then on nothing it waits for ever happens, and nothing it asks for is
 * done. Half the deaths come before the call has its effect, half after.
 */
import type { Clock } from '../../src/core/clock.ts';

export interface Mortal {
  readonly dead: boolean;
  /** Awaits so far. */
  readonly awaits: number;
  /** Resolves when it dies. */
  readonly death: Promise<void>;
  /** The same object, each of whose named methods may be the last thing the process does. */
  wrap<T extends object>(name: string, inner: T, methods: readonly (keyof T & string)[]): T;
  readonly lastWords: string;
}

const never = new Promise<never>(() => undefined);

/** `moment` counts half awaits: 2n is before the n-th has its effect, 2n + 1 after. Infinity never dies. */
export function createMortal(moment: number): Mortal {
  let half = 0;
  let dead = false;
  let lastWords = '';
  let died: () => void = () => undefined;
  const death = new Promise<void>(resolve => { died = resolve; });

  /** True when this is the end. */
  function passes(what: string): boolean {
    if (half++ !== moment) return false;
    dead = true;
    lastWords = what;
    died();
    return true;
  }
  return {
    get dead() { return dead; },
    get awaits() { return Math.ceil(half / 2); },
    get lastWords() { return lastWords; },
    death,
    wrap(name, inner, methods) {
      return new Proxy(inner, {
        get(target, property, receiver) {
          const value: unknown = Reflect.get(target, property, receiver);
          if (typeof value !== 'function') return value;
          if (!(methods as readonly (string | symbol)[]).includes(property)) return value.bind(target) as unknown;
          return async (...args: unknown[]) => {
            const what = `${name}.${String(property)}`;
            if (dead || passes(`before ${what}`)) return await never;
            const result: unknown = await Reflect.apply(value, target, args);
            if (dead || passes(`after ${what}`)) return await never;
            return result;
          };
        },
      });
    },
  };
}

/** Who is dead never wakes. */
export function mortalClock(clock: Clock, mortal: Mortal): Clock {
  return {
    now: () => clock.now(),
    async sleepUntil(when, signal) {
      await clock.sleepUntil(when, signal);
      if (mortal.dead) await never;
    },
  };
}
