/** The serial line, by `serialport`; loaded when a modem is opened, so that a gateway without one does not carry it. */
import type { OpenWire, Wire, WireTrouble } from './wire.ts';

const CLOSES_MS = 3000;

export const openSerialPort: OpenWire = async ({ path, baud, hardwareFlow }, listener) => {
  const { SerialPort } = await import('serialport');
  // Without xon: the kernel would eat the octet that starts a page. Without lock: UUCP's lock files say whose it is,
  // and the exclusive mark would shut out the programs that honour them.
  const port = new SerialPort({ path, baudRate: baud, rtscts: hardwareFlow, xon: false, xoff: false, hupcl: true, lock: false, autoOpen: false, highWaterMark: 64 * 1024 });
  const trouble = await new Promise<WireTrouble | null>(resolve => port.open(error => resolve(error === null || error === undefined ? null : troubleOf(error))));
  if (trouble !== null) return trouble;

  let told = false;
  const writing = new Set<(taken: boolean) => void>();
  const gone = (why: string) => {
    for (const end of writing) end(false);
    if (told) return;
    told = true;
    listener.gone(why);
  };
  port.on('data', (chunk: Buffer) => listener.octets(chunk));
  port.on('error', error => gone(error.message));
  port.on('close', (error: Error | null) => gone(error?.message ?? 'closed'));

  const wire: Wire = {
    kind: 'wire',
    write: octets => new Promise(resolve => {
      if (!port.isOpen) return resolve(false);
      const end = (taken: boolean) => {
        writing.delete(end);
        resolve(taken);
      };
      writing.add(end);
      port.write(Buffer.from(octets), error => end(error === null || error === undefined));
    }),
    drain: () => new Promise(resolve => {
      if (!port.isOpen) return resolve();
      port.drain(() => resolve());
    }),
    ready: on => new Promise(resolve => {
      // A pseudo-terminal has no such wires (ENOTTY); a port that vanishes says so by itself.
      if (port.isOpen) port.set({ dtr: on, rts: on }, () => resolve());
      else resolve();
    }),
    async close() {
      told = true;
      if (!port.isOpen) return;
      // What still waits behind a stopped line would hold the close for ever.
      await bounded(new Promise<void>(resolve => port.flush(() => resolve())));
      await bounded(new Promise<void>(resolve => port.close(() => resolve())));
    },
  };
  return wire;
};

/** The system's calls know no signal: after three seconds they are left to themselves. */
async function bounded(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([work, new Promise<void>(resolve => { timer = setTimeout(resolve, CLOSES_MS); })]);
  clearTimeout(timer);
}

function troubleOf(error: Error): WireTrouble {
  // The binding gives errno's text only.
  const why = error.message;
  if (/no such (?:file|device)|not a (?:tty|directory)|inappropriate ioctl|input\/output error/i.test(why)) return { kind: 'absent', why };
  return { kind: /busy|lock/i.test(why) ? 'in-use' : 'refused', why };
}
