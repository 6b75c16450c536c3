/** Waiting with a deadline: what a test waits for either happens or is named in the failure. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms in vain for ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Things that happen, and those who wait for a picture of them: `until` looks again at each `happened`. */
export interface Watch {
  happened(): void;
  until(ms: number, what: string, seen: () => boolean): Promise<void>;
}

export function createWatch(): Watch {
  const waiting = new Set<{ readonly seen: () => boolean; readonly done: () => void }>();
  return {
    happened() {
      for (const one of waiting) if (one.seen()) one.done();
    },
    async until(ms, what, seen) {
      if (seen()) return;
      let one: { readonly seen: () => boolean; readonly done: () => void } | undefined;
      const picture = new Promise<void>((done) => {
        one = { seen, done };
        waiting.add(one);
      });
      try {
        await within(ms, what, picture);
      } finally {
        if (one !== undefined) waiting.delete(one);
      }
    },
  };
}

/** For what gives no sign of its own (a disk, another program's state): looks every few milliseconds until it is so. */
export async function eventually(ms: number, what: string, seen: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + ms;
  while (!(await seen())) {
    if (performance.now() > end) throw new Error(`waited ${ms} ms in vain for ${what}`);
    await new Promise((next) => setTimeout(next, 5));
  }
}
