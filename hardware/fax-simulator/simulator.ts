/**
 * A modem on a pseudo-terminal, for tests and for trying things without a telephone line. Programs open `path` as
 * they would /dev/ttyS0. The pseudo-terminal is socat's: Node cannot make one itself.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Clock } from '../../src/core/clock.ts';
import { SimulatedModem } from './modem.ts';
import type { FaxScript, IncomingCall, IncomingResult, SimulatedCall } from './script.ts';

export interface FaxSimulator {
  readonly path: string;
  /** What the path is a link to: some programs want a name below /dev. */
  readonly device: string;
  readonly calls: readonly SimulatedCall[];
  /** Somebody calls; resolves when the call is over. */
  ring(call: IncomingCall): Promise<IncomingResult>;
  /** After a mishap of silence. */
  revive(): void;
  unplug(): Promise<void>;
  plug(): Promise<void>;
  close(): Promise<void>;
}

export interface SimulatorOptions {
  /** Where the pseudo-terminal is to be found, `/tmp/x/ttyFAX0`. */
  readonly path: string;
  readonly clock: Clock;
  readonly script?: FaxScript;
  /** A page ended, a call ended, a verdict was given. */
  readonly happened?: () => void;
  /** Everything said, for a journal: `>` from the computer, `<` from the modem. */
  readonly overheard?: (way: '>' | '<', octets: Uint8Array) => void;
}

const APPEARS_MS = 5000;

export async function openFaxSimulator({ path, clock, script = {}, happened, overheard }: SimulatorOptions): Promise<FaxSimulator> {
  let terminal: ChildProcess | null = null;
  let outgoing: Promise<void> = Promise.resolve();

  const modem = new SimulatedModem({
    script, clock,
    unplug: () => void unplug(),
    say: octets => {
      overheard?.('<', octets);
      const { cutOctets } = script;
      if (cutOctets === undefined) {
        terminal?.stdin?.write(octets);
        return;
      }
      outgoing = outgoing.then(async () => {
        for (let at = 0; at < octets.length; at += cutOctets) {
          terminal?.stdin?.write(octets.subarray(at, at + cutOctets));
          await new Promise(next => setTimeout(next, 1));
        }
      });
    },
    ...(happened === undefined ? {} : { happened }),
  });

  async function plug(): Promise<void> {
    if (terminal !== null) return;
    await rm(path, { force: true });
    const child = spawn('socat', [`PTY,link=${path},rawer,mode=666`, 'STDIO'], { stdio: ['pipe', 'pipe', 'ignore'] });
    terminal = child;
    child.stdin.on('error', () => undefined);
    child.stdout.on('data', (octets: Buffer) => {
      overheard?.('>', octets);
      if (terminal === child) modem.feed(octets);
    });
    const gone = new Promise<Error>(done => child.once('error', done).once('exit', code => done(new Error(`socat ended with ${code}`))));
    for (let waited = 0; !existsSync(path); waited += 10) {
      const failed = await Promise.race([gone, new Promise<null>(next => setTimeout(next, 10, null))]);
      if (failed !== null || waited > APPEARS_MS) throw new Error(`no pseudo-terminal: ${failed?.message ?? 'it does not appear'}`);
    }
  }

  async function unplug(): Promise<void> {
    const child = terminal;
    terminal = null;
    if (child === null) return;
    modem.cut('unplugged');
    if (child.exitCode === null && child.signalCode === null) {
      const ended = new Promise(done => child.once('exit', done));
      child.kill('SIGKILL');
      await ended;
    }
    await rm(path, { force: true });
  }

  await plug();
  return {
    path,
    get device() {
      return readlinkSync(path);
    },
    calls: modem.calls,
    ring: call => modem.ring(call),
    revive: () => modem.revive(),
    unplug,
    async plug() {
      modem.revive();
      await plug();
    },
    close: unplug,
  };
}
