/**
 * The command line: arguments in, exit code out (sysexits). Speaks to a running gateway where there is one, else to
 * the queue. Looks at no room itself: main.ts hands over what it needs.
 */
export { runCommandLine } from './command-line.ts';
export type { Context, FaxDesk, MxAnswer, OauthDesk, Rooms, TxtAnswer } from './command.ts';
