/**
 * The door of `receive`: mail that others bring by SMTP. Takes an Intake, an Admission and, for AUTH, an AuthBackend;
 * gives a listener that speaks ESMTP and hands each message to the intake as it comes.
 * RFC 5321 (and 2033 LMTP), with 1870 SIZE, 3030 CHUNKING, 2034 ENHANCEDSTATUSCODES, 2920 PIPELINING, 3207 STARTTLS, 3461 DSN, 4954 AUTH,
 * 6152 8BITMIME, 6531 SMTPUTF8, 8689 REQUIRETLS, 9422 LIMITS; Courier's XVERP, XEXDATA, XSECURITY.
 * It must never say 250 to a message that the intake did not call queued, never answer 5yz for a fault of ours, and
 * never take anything but CRLF.CRLF for the end of a message.
 */
import { openEsmtpServer, type Receiver } from './esmtp-server.ts';
import type { ReceiveOptions } from './options.ts';

export type { Limits } from './limits.ts';
export type { Directory, ListenerOptions, ReceiveOptions, ReverseName, TlsOptions } from './options.ts';
export type { Peer } from './peer.ts';
export type { Receiver } from './esmtp-server.ts';

export function openReceive(options: ReceiveOptions): Promise<Receiver> {
  return openEsmtpServer(options);
}
