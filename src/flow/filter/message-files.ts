/**
 * A message as Courier's filters find it: a file of its octets with LF line ends, our fields first, and control files
 * beside it. Written when the first such filter asks, shared by all of them, gone when the last has answered.
 */
import { open, unlink, writeFile } from 'node:fs/promises';
import type { Inspected } from '../../core/policy.ts';
import { formatControlFiles } from '../../grammar/filter/control-file.ts';
import { createUnixLines } from '../../grammar/uucp/unix-lines.ts';

export interface MessageFiles {
  /** The data file, then the control files. */
  paths(message: Inspected): Promise<readonly string[]>;
  forget(message: Inspected): void;
}

export interface MessageFilesOptions {
  readonly folder: string;
  settings(): { readonly batchSize: number; readonly queueTimeMs: number; readonly faxQueueTimeMs: number; readonly warnTimeMs: number };
}

/** Others of the gateway's group may look; filters often run as somebody else. */
const MODE = 0o640;

export function createMessageFiles({ folder, settings }: MessageFilesOptions): MessageFiles {
  const written = new WeakMap<Inspected, Written>();

  interface Written {
    readonly files: string[];
    paths: Promise<readonly string[]> | null;
    /** The octets that the files show: a filter between two may have changed the message. */
    digest: Uint8Array;
    trace: Uint8Array;
  }

  async function write(message: Inspected, { files }: Written): Promise<readonly string[]> {
    const { batchSize, queueTimeMs, faxQueueTimeMs, warnTimeMs } = settings();
    const at = message.origin.at;
    const second = (ms: number) => Math.trunc((at + ms) / 1000);
    await unlinkAll(files.splice(0));
    const data = `${folder}/D${message.id}`;
    files.push(data);
    await writeData(data, message);
    const controls = formatControlFiles({
      id: message.id, envelope: message.envelope, recipients: message.addressees, variables: message.variables,
      header8bit: message.facts.header8bit, body8bit: message.facts.has8bit,
      expires: second(queueTimeMs), faxExpires: second(faxQueueTimeMs), warns: warnTimeMs === 0 ? 0 : second(warnTimeMs),
    }, batchSize);
    for (const [n, text] of controls.entries()) {
      const path = `${folder}/C${message.id}${n === 0 ? '' : `.${n}`}`;
      files.push(path);
      await writeFile(path, text, { flag: 'wx', mode: MODE });
    }
    return [...files];
  }

  return {
    paths(message) {
      let known = written.get(message);
      if (known === undefined) {
        known = { files: [], paths: null, digest: message.facts.digest, trace: message.trace };
        written.set(message, known);
      }
      if (known.paths !== null && known.digest === message.facts.digest && known.trace === message.trace) return known.paths;
      known.digest = message.facts.digest;
      known.trace = message.trace;
      known.paths = write(message, known);
      return known.paths;
    },
    forget(message) {
      const known = written.get(message);
      if (known === undefined) return;
      written.delete(message);
      // A write under way ends first; its failure was its filter's.
      void (known.paths ?? Promise.resolve([])).catch(() => undefined).then(() => unlinkAll(known.files.splice(0)));
    },
  };
}

async function writeData(path: string, message: Inspected): Promise<void> {
  const file = await open(path, 'wx', MODE);
  try {
    const lines = createUnixLines({ dots: false });
    await put(lines.feed(message.trace));
    for await (const chunk of message.content()) await put(lines.feed(chunk));
    await put(lines.finish());
  } finally {
    await file.close();
  }
  async function put(octets: Uint8Array): Promise<void> {
    for (let at = 0; at < octets.length;) at += (await file.write(octets, at)).bytesWritten;
  }
}

/** What stays is swept at the next start. */
async function unlinkAll(paths: readonly string[]): Promise<void> {
  for (const path of paths) await unlink(path).catch(() => undefined);
}
