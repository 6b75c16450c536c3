/**
 * A message's content on its way out: dot-stuffed behind DATA (RFC 5321 §4.5.2), or as it is behind BDAT (RFC 3030), where
 * its octets are counted and nothing in it ends it.
 */
import { ownDeferral } from './outcomes.ts';
import type { Exchange } from './exchange.ts';
import { ONE_WRITE_OCTETS, type EsmtpSettings } from './settings.ts';
import type { Wire } from './wire.ts';

/** The connection that it goes over. */
export interface Way {
  readonly wire: Wire;
  readonly settings: EsmtpSettings;
  /** All of it is with the peer: its answer is next. What follows may join the write. */
  sent(exchange: Exchange): void;
}

type Pieces = readonly Uint8Array[] | AsyncIterable<Uint8Array>;

export function sendStuffed(exchange: Exchange, way: Way): void {
  const { content } = exchange.job.delivery;
  const { convert, kernels } = way.settings;
  let pieces: Pieces;
  try {
    pieces = exchange.plan.convert && convert !== undefined ? convert.toSevenBit(content) : content.read();
  } catch (error) {
    return broken(exchange, way, error);
  }
  if (!isArray(pieces) || content.sizeOctets > ONE_WRITE_OCTETS) {
    exchange.step = 'body';
    void stream(exchange, way, pieces);
    return;
  }
  const { socket } = way.wire;
  socket.cork();
  const stuffing = kernels.openStuffing();
  for (const piece of pieces) {
    const stuffed = stuffing.feed(piece);
    if (stuffed.length > 0) socket.write(stuffed);
  }
  socket.write(stuffing.finish());
  way.sent(exchange);
  uncorkLate(way);
}

/** Whoever hears just now that the message before is done may have another: its envelope joins this write. The tick
 * comes when every promise that waits for nothing else went on, and before the next socket is read. */
function uncorkLate({ wire: { socket } }: Way): void {
  queueMicrotask(() => process.nextTick(() => socket.uncork()));
}

/** Never faster than the peer reads; each block has the time of one (RFC 5321 §4.5.3.2.5). */
async function stream(exchange: Exchange, way: Way, pieces: Pieces): Promise<void> {
  const { wire, settings } = way;
  const { contentMs } = settings.timeouts;
  const stuffing = settings.kernels.openStuffing();
  let open = true;
  try {
    wire.within(contentMs);
    for await (const piece of pieces) {
      if (wire.loss !== null) return;
      wire.within(contentMs);
      if (!wire.socket.write(stuffing.feed(piece))) await wire.drained();
    }
    if (wire.loss !== null) return;
    open = false;
    wire.socket.write(stuffing.finish());
    way.sent(exchange);
  } catch (error) {
    broken(exchange, way, error);
  } finally {
    if (open) stuffing.finish();
  }
}

/** One chunk: of what fits into one write, or of binary mail, which goes no other way. */
export function sendChunk(exchange: Exchange, way: Way): void {
  exchange.step = 'body';
  let pieces: Pieces;
  try {
    pieces = exchange.job.delivery.content.read();
  } catch (error) {
    return broken(exchange, way, error);
  }
  // It ends where it ends, and may be long.
  if (exchange.job.delivery.envelope.body === 'binarymime') return void streamChunk(exchange, way, pieces);
  if (isArray(pieces)) return writeChunk(exchange, way, pieces);
  gather(pieces).then(all => writeChunk(exchange, way, all)).catch((error: unknown) => broken(exchange, way, error));
}

/** One chunk as well, for its size is known. */
async function streamChunk(exchange: Exchange, way: Way, pieces: Pieces): Promise<void> {
  const { wire, settings } = way;
  const { sizeOctets } = exchange.job.delivery.content;
  try {
    wire.within(settings.timeouts.contentMs);
    wire.socket.write(`BDAT ${sizeOctets} LAST\r\n`);
    let sent = 0;
    for await (const piece of pieces) {
      if (wire.loss !== null) return;
      wire.within(settings.timeouts.contentMs);
      sent += piece.length;
      if (!wire.socket.write(piece)) await wire.drained();
    }
    if (wire.loss !== null) return;
    if (sent !== sizeOctets) throw new Error(`the message has ${sent} octets, not ${sizeOctets}`);
    way.sent(exchange);
  } catch (error) {
    broken(exchange, way, error);
  }
}

async function gather(pieces: AsyncIterable<Uint8Array>): Promise<readonly Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return all;
}

function writeChunk(exchange: Exchange, way: Way, pieces: readonly Uint8Array[]): void {
  const { wire } = way;
  if (wire.loss !== null) return;
  const { socket } = wire;
  // A message ends in a line end, however it is carried (RFC 5321 §2.3.8).
  const tail = endsLine(pieces) ? '' : '\r\n';
  const octets = pieces.reduce((sum, { length }) => sum + length, tail.length);
  socket.cork();
  socket.write(`BDAT ${octets} LAST\r\n`);
  for (const piece of pieces) if (piece.length > 0) socket.write(piece);
  if (tail !== '') socket.write(tail);
  way.sent(exchange);
  uncorkLate(way);
}

function endsLine(pieces: readonly Uint8Array[]): boolean {
  const end = pieces.findLastIndex(({ length }) => length > 0);
  const last = pieces[end];
  if (last === undefined) return true;
  const before = last.length > 1 ? last.at(-2) : pieces.slice(0, end).findLast(({ length }) => length > 0)?.at(-1);
  return last.at(-1) === 0x0a && before === 0x0d;
}

/** Our side cannot go on. The end must not follow half a message, so the connection has to end. */
function broken(exchange: Exchange, { wire, settings }: Way, error: unknown): void {
  settings.log.error('content', { id: exchange.job.delivery.id, cause: error });
  exchange.job.decideRest(ownDeferral('4.3.0', 'message', 'The message could not be read'));
  wire.lose({ kind: 'aborted', why: 'The message could not be read' });
}

function isArray(pieces: Pieces): pieces is readonly Uint8Array[] {
  return Array.isArray(pieces);
}
