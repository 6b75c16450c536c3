/**
 * Reports: takes what became of some recipients, and queues at most one message about it, to the sender or, when there
 * is none, to the postmaster. RFC 3461 §4.1, §5.2, §6; RFC 3464; RFC 6533; RFC 3834. Must never answer a report about a
 * report to the postmaster, return what the sender asked not to have back, or let a peer's words break the message.
 */
export { openQuarantineNotice, type QuarantineNotice } from './quarantine-notice.ts';
export { createReporter, fromField, type ReporterOptions } from './dsn-report.ts';
export { queueLetter, type Letter } from './letter.ts';
export type { ReportTexts } from './texts.ts';
