/** Making batches: what waits for a neighbour, compressed, as one job of uux. One at a time for each neighbour. */
import { Readable } from 'node:stream';
import { constants, createGzip, createZstdCompress } from 'node:zlib';
import type { Log } from '../../../core/log.ts';
import { BATCH_END, formatBatchStart } from '../../../grammar/uucp/batch.ts';
import type { BatchRule, Compression } from '../../../grammar/uucp/batch-rules.ts';
import { withGrade } from '../../../grammar/uucp/uux-flags.ts';
import type { BatchSpool } from './batch-spool.ts';
import { outcomeOf } from './outcomes.ts';
import type { Programs } from './programs.ts';

export interface Batches {
  /** Hands over all that waits. False: something could not be. */
  send(rule: BatchRule, more: { readonly queueOnly: boolean; readonly signal: AbortSignal }): Promise<boolean>;
}

export interface BatchesOptions {
  readonly spool: BatchSpool;
  readonly programs: Programs;
  readonly log: Log;
  me(): string;
  flags(): readonly string[];
}

const UUX_MS = 30 * 60_000;
/** More batches than that at once are the next round's. */
const MOST_BATCHES = 1000;
/** Most of what the best level wins, in a tenth of its time. */
const ZSTD_LEVEL = 12;

export function createBatches(options: BatchesOptions): Batches {
  const busy = new Map<string, Promise<boolean>>();
  return {
    async send(rule, more) {
      const key = rule.node.toLowerCase();
      await busy.get(key);
      const mine = sendAll(options, rule, more).finally(() => busy.delete(key));
      busy.set(key, mine);
      return mine;
    },
  };
}

async function sendAll(options: BatchesOptions, rule: BatchRule, { queueOnly, signal }: { readonly queueOnly: boolean; readonly signal: AbortSignal }): Promise<boolean> {
  const { spool, programs, log } = options;
  for (let n = 0; n < MOST_BATCHES && !signal.aborted; n++) {
    const taken = await spool.take(rule.node, rule.sizeOctets);
    if (taken === null) return true;
    let octets = 0;
    async function* counted(): AsyncGenerator<Uint8Array> {
      for await (const chunk of compressed(batchText(options.me(), taken?.read()), rule.compression)) {
        octets += chunk.length;
        yield chunk;
      }
    }
    const flags = withGrade(options.flags(), rule.grade);
    const ran = await programs.run('uux', ['-p', '-n', '-j', ...(queueOnly ? ['-r'] : []), ...flags, `${rule.node}!${rule.command}`], { input: counted(), signal, timeoutMs: UUX_MS });
    const outcome = outcomeOf(ran, rule.node, log);
    if (outcome.kind !== 'relayed') {
      await taken.giveBack();
      // Its senders were told nothing, and it is not lost: it goes when the operator has mended what is wrong.
      if (outcome.kind === 'failed') log.error('uucp-batch', { node: rule.node, said: outcome.said?.text });
      return false;
    }
    await taken.done();
    log.info('uucp-batch', { node: rule.node, messages: taken.messages, octets: taken.octets, line: octets, said: outcome.said?.text });
  }
  return true;
}

async function* batchText(me: string, messages: AsyncIterable<Uint8Array> | undefined): AsyncGenerator<Uint8Array> {
  yield Buffer.from(formatBatchStart(me));
  if (messages !== undefined) yield* messages;
  yield Buffer.from(BATCH_END);
}

export function compressed(octets: AsyncGenerator<Uint8Array>, compression: Compression): AsyncIterable<Uint8Array> {
  switch (compression) {
    case 'none':
      return octets;
    case 'gzip':
      return through(octets, createGzip({ level: 9 }));
    case 'zstd':
      return through(octets, createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL, [constants.ZSTD_c_checksumFlag]: 1 } }));
    default:
      return compression satisfies never;
  }
}

async function* through(octets: AsyncGenerator<Uint8Array>, stream: ReturnType<typeof createGzip> | ReturnType<typeof createZstdCompress>): AsyncGenerator<Uint8Array> {
  const source = Readable.from(octets, { objectMode: false });
  source.on('error', error => stream.destroy(error));
  source.pipe(stream);
  try {
    for await (const chunk of stream) yield chunk as Uint8Array;
  } finally {
    source.destroy();
    stream.destroy();
  }
}
