/**
 * A mail server under measurement. Each runs as its packager ships it (sync settings untouched), on loopback, in a
 * folder of its own; what had to be changed so that all do the same work is said in its file.
 */
export interface Peer {
  readonly name: string;
  /** Why it cannot run here; null when it can. */
  absent(): string | null;
  start(place: Place): Promise<Running>;
}

/** Mode local: what the users' mailboxes are behind. */
export const MAIL_DOMAIN = 'box.example';

export interface Place {
  /** Empty, on a real disk. */
  readonly folder: string;
  /** Loopback port of the only next hop. */
  readonly nextHop: number;
  /** accept: mail is made durable and kept; nothing tries to deliver it. local: mail for `users` goes into their Maildirs. */
  readonly mode: 'relay' | 'accept' | 'local';
  /** Of MAIL_DOMAIN; their Maildirs lie in `folder`/mail, by name. */
  readonly users?: readonly string[];
  /** Further lines of the peer's own configuration, where it takes some. */
  readonly more?: string;
  /** At once, from one address; absent: as many as the load has. */
  readonly connections?: number;
  /** Where a CPU profile goes, for the peer that can write one. */
  readonly profile?: string;
}

export interface Running {
  readonly port: number;
  /** Top processes; their descendants count as well. */
  readonly pids: readonly number[];
  /** Files whose mapped pages are page cache, not the program's memory. */
  readonly dataFolder: string;
  stop(): Promise<void>;
}
