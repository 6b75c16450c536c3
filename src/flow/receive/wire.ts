/** What lies between a connection and its session: the session speaks to the one, and is told of the other. */
import type { Peer } from './peer.ts';
import type { TlsChannel } from './tls-channel.ts';

/** One connection, as its session sees it. */
export interface Wire {
  readonly tls: TlsChannel | null;
  /** False: the peer does not read what we say; Listener.drained() will be called. */
  write(text: string): boolean;
  /** After Listener.read() answered false. */
  resume(): void;
  /** Everything not yet decrypted is forgotten; Listener.secured() follows, or closed(). */
  startTls(): void;
  /**
   * Flushes, closes our side, and drops the connection when the peer does not close its own within seconds; at once when
   * `agreed` and in the clear: after QUIT there is nothing to wait for (RFC 5321 §4.1.1.10).
   */
  end(agreed: boolean): void;
  destroy(): void;
}

/** The session, as its connection sees it. */
export interface WireListener {
  /** False: no more for now. The chunk may be kept. */
  read(chunk: Buffer): boolean;
  /** The peer will send nothing more; it may still listen. */
  inputEnded(): void;
  drained(): void;
  secured(): void;
  failed(cause: Error): void;
  closed(): void;
}

/** Who may come in, and who is waiting behind the door. */
export interface WireDoor<Guest> {
  /** Before anything is said, TLS or not, once it is known who comes. Dropped, after `text` where that can be said. */
  arrive(peer: Peer): Arrival<Guest> | { text: string };
  /** Whether a PROXY header must come first; 'refused': it could not be believed. */
  expectsHeader(remoteAddress: string): 'no' | 'yes' | 'refused';
  begin(wire: Wire, guest: Guest): WireListener;
  /** Trouble before a session began, or of the listening socket. */
  trouble(cause: Error): void;
}

export interface Arrival<Guest> {
  readonly guest: Guest;
  /** When the connection is gone; may be called more than once. */
  readonly leave: () => void;
}
