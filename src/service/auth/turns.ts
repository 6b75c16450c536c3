/** So many at once, so many waiting, the rest turned away. */
export interface Turns {
  /** undefined, without having started, when too many wait already. */
  take<T>(work: () => Promise<T>): Promise<T> | undefined;
}

export function createTurns(atOnce: number, waiting: number): Turns {
  const queue: (() => void)[] = [];
  let running = 0;

  async function run<T>(work: () => Promise<T>): Promise<T> {
    if (running >= atOnce) await new Promise<void>((resolve) => void queue.push(resolve));
    else running++;
    try {
      return await work();
    } finally {
      // Who waits first takes the place over, so the count stays as it is.
      const next = queue.shift();
      if (next === undefined) running--;
      else next();
    }
  }
  return { take: (work) => (queue.length >= waiting ? undefined : run(work)) };
}
