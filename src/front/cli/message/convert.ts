/** `posthorn convert`: the message converter as a command. A stream from end to end, whatever the message's size. */
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, stat, unlink } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openConversion } from '../../../grammar/mime/convert.ts';
import type { ConversionResult } from '../../../grammar/mime/convert.ts';
import { openWrapping } from '../../../grammar/mime/wrapping.ts';
import { openKernels } from '../../../kit/wasm/kernels.ts';
import type { AllKernels } from '../../../kit/wasm/kernels.ts';
import { exits, print, readArguments, Usage } from '../command.ts';
import type { Command } from '../command.ts';

export interface ConvertStreams {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable & { readonly isTTY?: boolean };
}

const HELP = `convert --7bit|--8bit [--malformed reject|wrap|accept] [--in-place] FILE...

Rewrites the MIME parts of a message that need it, as the gateway does for a peer
without 8BITMIME (--7bit), or the other way where lines are short enough (--8bit).
"-" is standard input. Results go to standard output, one after the other. Line
ends stay as they are, LF or CRLF.

  --7bit       8-bit data and lines over 998 become quoted-printable or base64
  --8bit       quoted-printable becomes 8bit
  --malformed  what happens to malformed MIME: accept leaves the rest as it is (default),
               reject writes nothing more, wrap attaches the original to an explanation
  --in-place   replace each FILE

Exit status: 0; 64 wrong call; 65 malformed, or what may not be touched (a signed
part) is still 8-bit; 66 no such file; 74 reading or writing failed.`;

export const convertCommand: Command = {
  name: 'convert',
  summary: 'convert messages between 8bit and 7bit',
  help: HELP,
  run: (args, context) => convert([...args], context),
};

interface Order {
  readonly to: '7bit' | '8bit';
  readonly malformed: 'reject' | 'wrap' | 'accept';
  readonly inPlace: boolean;
  readonly files: readonly string[];
}

export async function convert(args: string[], io: ConvertStreams): Promise<number> {
  let order: Order | null;
  try {
    order = readOrder(args);
  } catch (error) {
    if (!(error instanceof Usage)) throw error;
    await print(io.stderr, `posthorn convert: ${error.message}\nUsage: posthorn ${HELP.split('\n')[0]}`);
    return exits.usage;
  }
  if (order === null) {
    await print(io.stdout, `Usage: posthorn ${HELP}`);
    return exits.ok;
  }
  const kernels = openKernels();
  let exit: number = exits.ok;
  for (const file of order.files) {
    const one = await convertOne(file, order, kernels, io);
    if (exit === exits.ok) exit = one;
  }
  return exit;
}

function readOrder(args: string[]): Order | null {
  const { values, positionals } = readArguments({
    args, allowPositionals: true,
    options: {
      '7bit': { type: 'boolean' }, '8bit': { type: 'boolean' }, malformed: { type: 'string' },
      'in-place': { type: 'boolean' }, help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) return null;
  if ((values['7bit'] === true) === (values['8bit'] === true)) throw new Usage('one of --7bit and --8bit is needed');
  const malformed = values.malformed ?? 'accept';
  if (malformed !== 'reject' && malformed !== 'wrap' && malformed !== 'accept') throw new Usage(`--malformed ${malformed}: reject, wrap or accept`);
  if (positionals.length === 0) throw new Usage('no FILE; "-" is standard input');
  const inPlace = values['in-place'] === true;
  if (positionals.includes('-') && (inPlace || malformed === 'wrap')) throw new Usage('standard input can be read only once: a FILE is needed');
  return { to: values['7bit'] === true ? '7bit' : '8bit', malformed, inPlace, files: positionals };
}

async function convertOne(file: string, order: Order, kernels: AllKernels, io: ConvertStreams): Promise<number> {
  const partial = `${file}.converting`;
  try {
    const size = file === '-' ? null : (await stat(file)).size;
    const open = (): Readable => (file === '-' ? io.stdin : createReadStream(file, { highWaterMark: 65_536 }));
    const run = new Run(order, kernels);
    if (order.malformed === 'wrap') {
      // Read once for the verdict, again for the result: nothing is kept in memory.
      for await (const chunk of open() as AsyncIterable<Uint8Array>) drain(run.convert(chunk));
      drain(run.finish());
    }
    const why = run.result?.kind === 'wrap' ? run.result.why : undefined;
    const progress = createProgress(file, size, io.stderr);
    const output = order.inPlace ? createWriteStream(partial, { flush: true }) : io.stdout;
    const second = why === undefined ? new Run(order, kernels) : null;
    const through = async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      const boundary = `=_${kernels.hash(Buffer.from(file), BigInt(size ?? 0)).toString(16)}`;
      const wrapping = why === undefined ? null : openWrapping({ kernels, why, boundary });
      for await (const chunk of chunks) {
        progress(chunk.length);
        yield* second === null ? wrapping!.feed(chunk) : second.convert(chunk);
      }
      yield* second === null ? wrapping!.finish() : second.finish();
    };
    await pipeline(open(), through, output, { end: order.inPlace });
    progress(0);
    const result = second?.result ?? run.result!;
    const complaint = complaintOf(result, order.to);
    if (complaint !== null) await print(io.stderr, `posthorn convert: ${file}: ${complaint}`);
    if (order.inPlace) {
      if (result.kind === 'rejected') await unlink(partial);
      else await rename(partial, file);
    }
    return complaint === null ? exits.ok : exits.badInput;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'EPIPE' || code === 'ERR_STREAM_PREMATURE_CLOSE') return exits.ok;
    if (order.inPlace) await unlink(partial).catch(() => undefined);
    await print(io.stderr, `posthorn convert: ${file}: ${error instanceof Error ? error.message : String(error)}`);
    return code === 'ENOENT' || code === 'EISDIR' ? exits.noInput : code === 'EACCES' ? exits.noPermission : exits.ioError;
  }
}

function drain(output: Generator<Uint8Array>): void {
  while (output.next().done !== true);
}

function complaintOf(result: ConversionResult, to: '7bit' | '8bit'): string | null {
  if (result.why !== undefined) return `malformed MIME: ${result.why}`;
  if (to === '7bit' && result.left.has8bit) return 'a signed part is still 8-bit: its signature covers it as it is';
  return null;
}

/** One pass; messages with LF line ends are converted as CRLF and written with LF again. */
class Run {
  result: ConversionResult | null = null;
  readonly #conversion: ReturnType<typeof openConversion>;
  readonly #kernels: AllKernels;
  #normaliser: ReturnType<AllKernels['openNormaliser']> | null = null;
  #decided = false;
  #afterCr = false;

  constructor(order: Order, kernels: AllKernels) {
    this.#kernels = kernels;
    this.#conversion = openConversion({ to: order.to, malformed: order.malformed, kernels });
  }

  *convert(chunk: Uint8Array): Generator<Uint8Array> {
    if (!this.#decided) {
      const lf = chunk.indexOf(0x0a);
      this.#decided = lf >= 0;
      if (lf >= 0 && chunk[lf - 1] !== 0x0d) this.#normaliser = this.#kernels.openNormaliser();
    }
    const canonical = this.#normaliser === null ? chunk : this.#normaliser.feed(chunk);
    for (const octets of this.#conversion.feed(canonical)) yield this.#lineEnds(octets);
  }

  *finish(): Generator<Uint8Array> {
    if (this.#normaliser !== null) {
      for (const octets of this.#conversion.feed(this.#normaliser.finish())) yield this.#lineEnds(octets);
    }
    const { output, result } = this.#conversion.finish();
    this.result = result;
    for (const octets of output) yield this.#lineEnds(octets);
    if (this.#afterCr) yield Buffer.from('\r');
  }

  #lineEnds(octets: Uint8Array): Uint8Array {
    if (this.#normaliser === null) return octets;
    const out = Buffer.allocUnsafe(octets.length + 1);
    let to = 0;
    let from = 0;
    if (this.#afterCr && octets[0] !== 0x0a) out[to++] = 0x0d;
    this.#afterCr = octets.length === 0 ? this.#afterCr : octets[octets.length - 1] === 0x0d;
    const end = octets.length - (this.#afterCr && octets.length > 0 ? 1 : 0);
    for (let cr = octets.indexOf(0x0d); cr >= 0 && cr < end; cr = octets.indexOf(0x0d, cr + 1)) {
      if (octets[cr + 1] !== 0x0a) continue;
      out.set(octets.subarray(from, cr), to);
      to += cr - from;
      from = cr + 1;
    }
    out.set(octets.subarray(from, end), to);
    return out.subarray(0, to + end - from);
  }
}

const LONG_OCTETS = 16_777_216;
const STEP_OCTETS = 4_194_304;

/** For somebody who watches: on a terminal, for input that takes a while. The last call has no octets. */
function createProgress(file: string, size: number | null, stderr: ConvertStreams['stderr']): (octets: number) => void {
  if (stderr.isTTY !== true || (size !== null && size < LONG_OCTETS)) return () => {};
  let read = 0;
  let shown = 0;
  return (octets) => {
    read += octets;
    if (octets === 0 && shown > 0) stderr.write('\r\u001b[K');
    if (octets === 0 || read - shown < STEP_OCTETS) return;
    shown = read;
    const so = size === null ? '' : ` of ${Math.round(size / 1e6)} MB, ${Math.floor((100 * read) / size)} %`;
    stderr.write(`\r\u001b[K${file}: ${Math.floor(read / 1e6)}${so === '' ? ' MB' : so}`);
  };
}
