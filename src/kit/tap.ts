/** Octets pushed in at one end and read at the other, in bounded room: whoever is too fast is asked to wait. */
export interface Tap extends AsyncIterable<Uint8Array> {
  write(chunk: Uint8Array): Promise<void> | undefined;
  /** Nothing more comes. */
  end(): void;
  /** The reader is gone, or need not read on: what is written is nobody's. */
  close(): void;
}

/** So much may wait for the reader. */
const WAITING_OCTETS = 256 * 1024;

export function createTap(): Tap {
  let waiting: Uint8Array[] = [];
  let octets = 0;
  let over: 'no' | 'ended' | 'closed' = 'no';
  let room: PromiseWithResolvers<void> | null = null;
  let more: PromiseWithResolvers<void> | null = null;

  function wake(): void {
    more?.resolve();
    more = null;
  }
  function makeRoom(): void {
    room?.resolve();
    room = null;
  }

  return {
    write(chunk) {
      if (over !== 'no') return undefined;
      waiting.push(chunk);
      octets += chunk.length;
      wake();
      if (octets <= WAITING_OCTETS) return undefined;
      room ??= Promise.withResolvers<void>();
      return room.promise;
    },
    end() {
      if (over === 'no') over = 'ended';
      wake();
    },
    close() {
      over = 'closed';
      waiting = [];
      makeRoom();
      wake();
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const taken = waiting;
        waiting = [];
        octets = 0;
        makeRoom();
        yield* taken;
        if (waiting.length > 0) continue;
        if (over !== 'no') return;
        more = Promise.withResolvers<void>();
        await more.promise;
      }
    },
  };
}
