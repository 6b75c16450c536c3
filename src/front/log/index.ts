/**
 * Where the log goes: standard output, files that may be rotated, syslog; as JSON or as Courier's text. Never makes mail
 * wait: what a reader does not take is dropped and counted.
 */
export { openLogbook, type Logbook } from './logbook.ts';
