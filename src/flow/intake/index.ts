/**
 * The one way in. Takes an origin, an envelope and octets; gives 'queued' only when the message would survive a
 * power cut (RFC 5321 §6.1), else a refusal from the catalogue. Must never answer 5yz for a fault of ours.
 * RFC 5321 §3.3, §4.4, §6.3; RFC 1870; RFC 6409 §8.
 */
export { createIntake, type IntakeOptions, type Members } from './desk.ts';
