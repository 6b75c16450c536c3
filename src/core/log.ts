/**
 * One event, one line, one place. The peer's fault is info, ours is error.
 * Events have the names of Courier's log grammar where it has one: newmsg, started, delivery, completed, error.
 */
export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  /** Our own fault, or the box's: something an operator should look at. An exception goes in as `cause`. */
  error(event: string, fields?: LogFields): void;
}

export const silent: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };
