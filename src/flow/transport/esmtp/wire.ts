/** A connection as SMTP sees it: octets out, replies in, one deadline. Knows no state of the dialogue. */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { createReplyReader, type Reply, type ReplyReader } from '../../../grammar/smtp/reply.ts';
import type { Deadline, Deadlines } from '../../../kit/deadlines.ts';
import type { SharedRead } from '../../../kit/net/shared-read.ts';
import type { Loss } from './outcomes.ts';

const LINE_OCTETS = 4096; // RFC 5321 §4.5.3.1.5 has 512; QUIRK: wordy policy servers exceed it (unit/esmtp/outcomes)

export interface Listener {
  reply(reply: Reply): void;
  /** Said once; nothing follows. */
  lost(loss: Loss): void;
}

export class Wire {
  /** Set from the first moment on; tells what became of the connection. */
  loss: Loss | null = null;
  socket: Socket;
  readonly #deadline: Deadline;
  #listener: Listener | null = null;
  #reader: ReplyReader = createReplyReader();
  #rest: Buffer | null = null;
  #lastWord = false;
  #shared: SharedRead | null = null;
  #passed: (() => void) | null = null;
  #drained: (() => void) | null = null;
  readonly #onRead = (chunk: Buffer) => this.#read(chunk);
  readonly #onEnd = () => this.lose({ kind: 'closed', why: 'The peer closed the connection' });
  readonly #onError = (error: Error) => this.lose({ kind: 'closed', why: `The connection broke: ${error.message}` });

  constructor(socket: Socket, deadlines: Deadlines) {
    this.socket = socket;
    this.#deadline = deadlines.open(() => {
      if (this.#passed === null) this.lose({ kind: 'timeout', why: 'The peer did not answer in time' });
      else this.#passed();
    });
    this.#attach();
  }

  #attach(): void {
    this.socket.on('data', this.#onRead).on('end', this.#onEnd).on('close', this.#onEnd).on('error', this.#onError);
    this.socket.resume();
  }

  /** Its replies come without a stream in between from now on, where that can be: not inside TLS. */
  share(reads: SharedRead): void {
    if (this.loss !== null || this.socket instanceof TLSSocket || !reads.attach(this.socket, octets => this.#readShared(octets))) return;
    this.#shared = reads;
  }

  #readShared(octets: Buffer): true {
    this.#read(octets);
    return true;
  }

  /** Who hears the next replies. A reply that nobody waits for ends the connection: we are out of step. */
  listen(listener: Listener | null): void {
    this.#listener = listener;
  }

  /** The peer has to answer within `ms`, or the connection is lost. */
  within(ms: number): void {
    this.#passed = null;
    this.#deadline.set(ms);
  }

  /** Nothing is expected; `passed` is called after `ms` unless within() comes first. */
  rest(ms: number, passed: () => void): void {
    this.#passed = passed;
    this.#deadline.set(ms);
  }

  /** Resolves when the socket takes more, or never will. */
  drained(): Promise<void> {
    if (this.loss !== null || !this.socket.writableNeedDrain) return Promise.resolve();
    return new Promise(resolve => {
      const done = () => {
        this.socket.off('drain', done);
        this.#drained = null;
        resolve();
      };
      this.#drained = done;
      this.socket.on('drain', done);
    });
  }

  /** Sends a command and waits for its reply. With `last`, octets behind a 220 are thrown away
   * unread and the socket is given up, for TLS to take (RFC 3207 §6). */
  ask(command: string | null, ms: number, last = false): Promise<Reply | Loss> {
    if (this.loss !== null) return Promise.resolve(this.loss);
    return new Promise(resolve => {
      this.#lastWord = last;
      this.#listener = {
        reply: reply => {
          this.#listener = null;
          if (reply.code !== 421) return resolve(reply);
          // The peer closes after 421 whatever it was asked (RFC 5321 §3.8).
          const loss: Loss = { kind: 'said421', why: 'The peer closes the connection', reply };
          this.lose(loss);
          resolve(loss);
        },
        lost: resolve,
      };
      this.within(ms);
      if (command !== null) this.socket.write(command);
    });
  }

  /** Gives the socket up, to be wrapped in TLS. */
  detach(): Socket {
    const { socket } = this;
    socket.off('data', this.#onRead).off('end', this.#onEnd).off('close', this.#onEnd).off('error', this.#onError);
    socket.on('error', () => undefined);
    socket.pause();
    this.#deadline.clear();
    return socket;
  }

  /** Goes on inside TLS, with nothing remembered from before. */
  adopt(socket: Socket): void {
    this.socket = socket;
    this.#rest = null;
    this.#reader = createReplyReader();
    this.#attach();
  }

  lose(loss: Loss): void {
    if (this.loss !== null) return;
    this.loss = loss;
    this.#deadline.clear();
    this.socket.destroy();
    this.#shared?.detach(this.socket);
    const listener = this.#listener;
    this.#listener = null;
    this.#drained?.();
    listener?.lost(loss);
  }

  /** QUIT, and gone within `ms` however the peer takes it. */
  quit(ms: number): void {
    if (this.loss !== null) return;
    this.#listener = { reply: () => this.lose({ kind: 'closed', why: 'We left' }), lost: () => undefined };
    this.within(ms);
    this.socket.unref();
    this.socket.write('QUIT\r\n');
  }

  #read(chunk: Buffer): void {
    if (this.loss !== null) return;
    const octets = this.#rest === null ? chunk : Buffer.concat([this.#rest, chunk]);
    const whole = octets.lastIndexOf(10) + 1;
    this.#rest = whole === octets.length ? null : octets.subarray(whole);
    if (octets.length - whole > LINE_OCTETS) return this.#garbage();
    const text = octets.toString('utf8', 0, whole);
    for (let from = 0; from < text.length && this.loss === null;) {
      const end = text.indexOf('\n', from);
      // A reply that ends in a bare LF is read all the same: it draws nothing new from us.
      const line = text.slice(from, text[end - 1] === '\r' ? end - 1 : end);
      from = end + 1;
      const reply = line.length > LINE_OCTETS ? 'garbage' : this.#reader.line(line);
      if (reply === null) continue;
      if (reply === 'garbage' || this.#listener === null) return this.#garbage();
      const last = this.#lastWord && reply.code === 220;
      this.#lastWord = false;
      this.#listener.reply(reply);
      if (last) {
        this.#rest = null;
        this.detach();
        return;
      }
    }
  }

  #garbage(): void {
    this.lose({ kind: 'garbage', why: 'The peer said something that is not the reply to a command' });
  }
}
