/**
 * Batched SMTP, read: octets in any pieces, events out. What is wrong is an event too, and reading goes on behind it:
 * nobody is there to be answered, and the other messages of the batch are somebody's mail.
 *
 *   command ──DATA──▶ content ──`.`──▶ command        QUIT, or the end of the octets, ends it
 */
import { createLineEnds, type LineEnds } from '../line-ends.ts';
import { parseCommandLine, parseMail, parseRcpt, type MailCommand, type RcptCommand } from '../smtp/command.ts';

export type BatchEvent =
  | { readonly kind: 'mail'; readonly command: MailCommand }
  | { readonly kind: 'rcpt'; readonly command: RcptCommand }
  /** A recipient that is none of the grammar's; as written. */
  | { readonly kind: 'bad-rcpt'; readonly text: string; readonly why: string }
  | { readonly kind: 'data' | 'end' | 'reset' | 'quit' }
  /** CRLF line ends, dots undone. */
  | { readonly kind: 'content'; readonly octets: Uint8Array }
  | { readonly kind: 'wrong'; readonly line: number; readonly why: string };

export interface BatchReader {
  feed(chunk: Uint8Array): readonly BatchEvent[];
  /** At the end of the octets: 'between' two messages, or in the middle of one. */
  readonly place: 'between' | 'envelope' | 'content' | 'quit';
}

const LF = 0x0a;
const CR = 0x0d;
const DOT = 0x2e;
/** RFC 5321 §4.5.3.1.4 has 512; ORCPT and UTF-8 make it longer. */
const LONGEST_COMMAND = 4096;
const LINE_DOT = Buffer.from('\n.');

export function createBatchReader(): BatchReader {
  return new Reader();
}

class Reader implements BatchReader {
  place: BatchReader['place'] = 'between';
  #rest: Buffer = Buffer.alloc(0);
  #line = 0;
  #skipping = false;
  #atLineStart = true;
  #lineEnds: LineEnds = createLineEnds();
  #events: BatchEvent[] = [];

  feed(chunk: Uint8Array): readonly BatchEvent[] {
    this.#events = [];
    let octets = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    if (this.#rest.length > 0) {
      octets = Buffer.concat([this.#rest, octets]);
      this.#rest = Buffer.alloc(0);
    }
    let at = 0;
    while (at < octets.length && this.place !== 'quit') {
      const next = this.place === 'content' ? this.#content(octets, at) : this.#command(octets, at);
      if (next < 0) break;
      at = next;
    }
    return this.#events;
  }

  /** Reads one line; -1 when it is not there yet. */
  #command(octets: Buffer, at: number): number {
    const lf = octets.indexOf(LF, at);
    const end = lf < 0 ? octets.length : lf;
    if (end - at > LONGEST_COMMAND || this.#skipping) {
      if (!this.#skipping) this.#wrong('a command line that is too long');
      this.#skipping = lf < 0;
      if (lf >= 0) this.#line++;
      return lf < 0 ? octets.length : lf + 1;
    }
    if (lf < 0) {
      this.#rest = Buffer.from(octets.subarray(at));
      return -1;
    }
    this.#line++;
    const text = octets.toString('utf8', at, lf > at && octets[lf - 1] === CR ? lf - 1 : lf);
    if (text.trim() !== '') this.#obey(text.trimStart());
    return lf + 1;
  }

  #obey(text: string): void {
    const line = parseCommandLine(text);
    if (line === null) return this.#wrong('control characters in a command');
    switch (line.verb) {
      case 'MAIL': {
        const command = parseMail(line.argument);
        if (command.kind === 'bad') return this.#wrong(command.text);
        this.place = 'envelope';
        return this.#say({ kind: 'mail', command });
      }
      case 'RCPT': {
        const command = parseRcpt(line.argument);
        this.#say(command.kind === 'rcpt' ? { kind: 'rcpt', command } : { kind: 'bad-rcpt', text: line.argument.replace(/^to:\s*/i, ''), why: command.text });
        return undefined;
      }
      case 'DATA':
        this.place = 'content';
        this.#atLineStart = true;
        this.#lineEnds = createLineEnds();
        return this.#say({ kind: 'data' });
      case 'RSET':
        this.place = 'between';
        return this.#say({ kind: 'reset' });
      case 'QUIT':
        this.place = 'quit';
        return this.#say({ kind: 'quit' });
      case 'HELO': // QUIRK: some write EHLO, and NOOP or TURN to fill time; held by test/unit/uucp/batch.test.ts
      case 'EHLO':
      case 'NOOP':
      case 'TICK':
      case 'VERB':
      case 'TURN':
      case 'VRFY':
        return undefined;
      default:
        return this.#wrong(`${line.verb.slice(0, 20)} is no command of batched SMTP`);
    }
  }

  /** Reads up to the next dot at a line start, or to the end; -1 when a dot's meaning is not there yet. */
  #content(octets: Buffer, from: number): number {
    let at = from;
    if (this.#atLineStart && octets[at] === DOT) {
      const next = octets[at + 1];
      const lone = next === LF ? 2 : next === CR && octets[at + 2] === LF ? 3 : 0;
      if (lone > 0) {
        this.place = 'between';
        this.#say({ kind: 'end' });
        return at + lone;
      }
      if (next === undefined || (next === CR && octets[at + 2] === undefined)) {
        this.#rest = Buffer.from(octets.subarray(at));
        return -1;
      }
      at++;
    }
    const dot = octets.indexOf(LINE_DOT, at);
    const end = dot < 0 ? octets.length : dot + 1;
    this.#atLineStart = octets[end - 1] === LF;
    const content = this.#lineEnds.feed(octets.subarray(at, end));
    if (content.length > 0) this.#say({ kind: 'content', octets: content });
    return end;
  }

  #say(event: BatchEvent): void {
    this.#events.push(event);
  }

  #wrong(why: string): void {
    this.#say({ kind: 'wrong', line: this.#line, why });
  }
}
