/**
 * Mail to UUCP neighbours (RFC 976). Takes a delivery for a node, or nodes joined with `!`; hands it to uux as one
 * rmail job, or keeps it, durable, for the neighbour's next batch of SMTP. 'relayed' means that uux, or our own spool,
 * has it on disk. Also the rest of a UUCP site's day: batches that are due, polls, and neighbours who never call.
 * No address becomes an argument that any program on the way could read as something else.
 */
export { openUucp, type Uucp, type UucpOptions, type UucpPlan } from './uucp.ts';
export type { NeighborState, PollResult } from './site-report.ts';
