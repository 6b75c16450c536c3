/**
 * Links: ways out that are not always there. Takes the rules of `links`, answers for each route whether its link is down
 * (core/links.ts), and tells when one came or went: by hours of the week, by an operator's or a program's signal, or by
 * asking a program. What it knows survives a restart. It must never call a link up that nobody said is up, and mail that
 * waits must never depend on a message of ours alone: whoever waits looks again from time to time.
 */
export { openLinks } from './links.ts';
export type { LinkEvents, LinksOptions, OpenLinks } from './links.ts';
