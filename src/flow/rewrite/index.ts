/**
 * Takes a message on its way in; gives the octets to put before it. Never touches what came.
 * RFC 5321 §4.4 (trace), RFC 5322 §3.3 (dates), RFC 6409 §8 (what a submission must have).
 */
export { createTraceFields, type TraceOptions, type TraceRequest } from './trace-fields.ts';
/** Aliases and canonical addresses: whom an address means. In force at once when their files change. */
export { createAliases, instructionAddress, namesInstruction, type Aliases } from './aliases.ts';
export { createCanonical, type Canonical } from './canonical.ts';
