/**
 * Mail to programs: nncp-exec, or whatever a site has. Takes a delivery whose next hop is `NAME` or `NAME/NEXTHOP`;
 * gives the message, or envelope and message as batched SMTP, on standard input, and reads the exit status as
 * sysexits(3). The command is a list of words: no shell, and no address is ever an option.
 */
export { createPipeTransport, type PipeOptions } from './pipe-transport.ts';
