/** A line that octets go over: a serial port, or in a test whatever behaves like one. */
export interface Wire {
  readonly kind: 'wire';
  /** Resolves when the system took the octets, false when they cannot go any more. Waits as long as flow control does. */
  write(octets: Uint8Array): Promise<boolean>;
  /** Everything left the system. May never resolve on a line that is stopped: give it a deadline. */
  drain(): Promise<void>;
  /** Data Terminal Ready; nothing where the line has no such wire. */
  ready(on: boolean): Promise<void>;
  close(): Promise<void>;
}

export interface WireListener {
  octets(chunk: Uint8Array): void;
  /** The device went away, or broke. Said once. */
  gone(why: string): void;
}

export interface WireOptions {
  readonly path: string;
  readonly baud: number;
  readonly hardwareFlow: boolean;
}

export type OpenWire = (options: WireOptions, listener: WireListener) => Promise<Wire | WireTrouble>;

/** It could not be opened. */
export interface WireTrouble {
  readonly kind: 'absent' | 'in-use' | 'refused';
  readonly why: string;
}
