/** What we change in the header of a message that comes in. Octets are Latin-1 characters; what is not changed stays. */
import { rewriteAddressFields } from './uucp/address-fields.ts';

export interface HeaderRules {
  /** Gets an address as it stands in From, To, Cc, Reply-To or Sender and gives what is to stand there; null: they stay. */
  readonly address: ((address: string) => string) | null;
  /** Addresses that a signature covers: changed all the same, or only where no DKIM-Signature stands above them. */
  readonly despiteSignature: boolean;
}

/** A Return-Path that came with the message is somebody else's: ours is written at delivery (RFC 5321 §4.4). */
const RETURN_PATH = /^return-path(?=[ \t]*:)/gim;
const SIGNATURE = /^dkim-signature[ \t]*:/im;
const ADDRESSES = /^(?:from|to|cc|reply-to|sender)[ \t]*:/im;

export function applyHeaderRules(header: string, { address, despiteSignature }: HeaderRules): string {
  const renamed = header.replace(RETURN_PATH, name => `Old-${name}`);
  if (address === null || (!despiteSignature && isSignedAbove(renamed))) return renamed;
  return rewriteAddressFields(renamed, address);
}

export function isSigned(header: string): boolean {
  return SIGNATURE.test(header);
}

function isSignedAbove(header: string): boolean {
  const signature = header.search(SIGNATURE);
  return signature >= 0 && signature < header.search(ADDRESSES);
}
