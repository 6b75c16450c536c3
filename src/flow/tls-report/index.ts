/**
 * TLS reports (RFC 8460). Hears of each session's TLS (TlsJournal), counts by day, domain and policy within bounds, keeps
 * the counts on disk, and after each day (UTC) writes or sends a report to whoever a domain's `_smtp._tls` record names.
 * Nothing here is on the way of a message: what is lost by a crash is a minute of counting. It must never report twice
 * to an address that took the report, and never tell a domain of another.
 */
export { openTlsCollection, type TlsCollection } from './collection.ts';
export { openReportDuty, type ReportDuty, type ReportDutySettings, type ReportTerms } from './duty.ts';
export { composeReportLetter } from './letter.ts';
