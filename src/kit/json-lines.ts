/** JSON values, one a line, over a stream: the control socket's wire form. */
import type { Duplex } from 'node:stream';

/** A line longer than this is not ours. */
const LINE_OCTETS = 2 * 1024 * 1024;

export async function* readJsonLines(stream: Duplex): AsyncGenerator {
  let rest = '';
  stream.setEncoding('utf8');
  for await (const chunk of stream as AsyncIterable<string>) {
    rest += chunk;
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      const line = rest.slice(0, end);
      rest = rest.slice(end + 1);
      if (line !== '') yield JSON.parse(line) as unknown;
    }
    if (rest.length > LINE_OCTETS) throw new Error('a control line is too long');
  }
}

/** Waits for the reader where it is slow, so that a long listing needs no memory. */
export async function writeJsonLine(stream: Duplex, value: unknown): Promise<void> {
  if (stream.destroyed) throw new Error('the other side is gone');
  if (stream.write(`${JSON.stringify(value)}\n`)) return;
  await new Promise<void>((resolve, reject) => {
    const settle = () => {
      stream.off('drain', settle);
      stream.off('close', gone);
      resolve();
    };
    const gone = () => {
      stream.off('drain', settle);
      reject(new Error('the other side is gone'));
    };
    stream.once('drain', settle);
    stream.once('close', gone);
  });
}
