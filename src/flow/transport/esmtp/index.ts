/**
 * Mail out by ESMTP (RFC 5321). Takes deliveries to a next hop, finds out with `destinations` what that means on the
 * wire, and answers for each recipient with the peer's own words. Connections are kept and shared by all messages of
 * one next hop. RFC 2920 pipelining, 3207 STARTTLS, 4954 AUTH, 1870 SIZE, 6152 8BITMIME, 6531 SMTPUTF8, 3461 DSN.
 * It must never call a message relayed that the peer did not take with 2yz after the final dot, never say failed
 * where the peer was silent or unreadable, and never connect directly where a proxy is configured, but to a relay that says so.
 */
export { openEsmtpTransport, type EsmtpTransport } from './transport.ts';
export { courierTimeouts } from './settings.ts';
export type { Converter, EsmtpLimits, EsmtpSettings, EsmtpTimeouts, Look } from './settings.ts';
