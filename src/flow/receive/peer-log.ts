/** What is written down of one peer: refusals in the words of Courier's log, and our own bugs. Success costs no line. */
import type { Refusal } from '../../core/status.ts';
import type { About } from './conversation.ts';
import type { Peer } from './peer.ts';
import type { Setup } from './setup.ts';

export class PeerLog {
  readonly #setup: Setup;
  /** Whoever it is by now. */
  readonly #who: { readonly peer: Peer };

  constructor(setup: Setup, who: { readonly peer: Peer }) {
    this.#setup = setup;
    this.#who = who;
  }

  /** One line a refusal: error, relay, port, from, to, reply; and why, which the peer is not told. */
  refused(refusal: Refusal, about: About): void {
    const { log, meters } = this.#setup;
    const { reply, status, text, why } = refusal;
    meters.refused.add(1, { reply: String(reply), status });
    log.info('error', { ...this.#peer(), ...about, reply: `${reply} ${status} ${text}`, ...(why === undefined ? {} : { why }) });
  }

  /** The peer's trouble without a reply of ours. */
  trouble(why: string): void {
    this.#setup.log.info('error', { ...this.#peer(), why });
  }

  /** A line of the client. An answer to a challenge is a secret, and so is what follows the name of a mechanism. */
  heard(line: string, secret: boolean): void {
    this.#setup.log.info('dialogue', { ...this.#peer(), said: secret ? '(not shown)' : line.replace(/^(AUTH\s+\S+)\s+\S.*$/is, '$1 (not shown)') });
  }

  answered(lines: string): void {
    for (const line of lines.split('\r\n')) if (line !== '') this.#setup.log.info('dialogue', { ...this.#peer(), answered: line });
  }

  bug(cause: unknown): void {
    this.#setup.log.error('bug', { ...this.#peer(), cause });
  }

  unanswered(): void {
    this.#setup.log.error('no answer', { ...this.#peer(), why: 'intake, queue or authentication did not answer in time' });
  }

  #peer() {
    const { remoteAddress, remotePort } = this.#who.peer;
    return { relay: remoteAddress, port: remotePort };
  }
}
