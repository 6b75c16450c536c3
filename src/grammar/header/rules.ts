/** What we change in the header of a message that comes in. Octets are Latin-1 characters; what is not changed stays. */
import { authServId } from './authentication-results.ts';
import { rewriteAddressFields } from '../uucp/address-fields.ts';

export interface HeaderRules {
  /** Gets an address as it stands in From, To, Cc, Reply-To or Sender and gives what is to stand there; null: they stay. */
  readonly address: ((address: string) => string) | null;
  /** Addresses that a signature covers: changed all the same, or only where no DKIM-Signature stands above them. */
  readonly despiteSignature: boolean;
  /** Fields that only we may write: those of others become `Old-…`. */
  readonly ours?: OurFields;
}

export interface OurFields {
  /** Our name in Authentication-Results, in small letters: who else writes it forges (RFC 8601 §5). */
  readonly authServId: string;
  /** Those of all others too. */
  readonly allResults: boolean;
  readonly receivedSpf: boolean;
}

/**
 * A Return-Path that came with the message is somebody else's: ours is written at delivery (RFC 5321 §4.4). One that a
 * signature covers, which RFC 6376 §5.4.1 advises against, stays: the signature is worth more than the name.
 */
const RETURN_PATH = /^return-path(?=[ \t]*:)/gim;
const SIGNATURE = /^dkim-signature[ \t]*:/im;
const SIGNATURES = /^dkim-signature[ \t]*:(?:[^\n]|\n[ \t])*/gim;
const SIGNED_RETURN_PATH = /[:;]\s*h\s*=(?:[^;]*:)?\s*return-path\s*(?:[:;]|$)/i;
const ADDRESSES = /^(?:from|to|cc|reply-to|sender)[ \t]*:/im;

const RESULTS = /^(authentication-results)(?=[ \t]*:((?:[^\n]|\n[ \t])*))/gim;
const RECEIVED_SPF = /^received-spf(?=[ \t]*:)/gim;

/** Any field that we would rename. */
const RENAMED = /^(?:return-path|authentication-results|received-spf)[ \t]*:/im;

export function applyHeaderRules(header: string, { address, despiteSignature, ours }: HeaderRules): string {
  if (address === null && !RENAMED.test(header)) return header;
  const returned = header.search(RETURN_PATH) >= 0 && !signsReturnPath(header) ? header.replace(RETURN_PATH, name => `Old-${name}`) : header;
  const renamed = ours === undefined ? returned : withoutForgeries(returned, ours);
  if (address === null || (!despiteSignature && isSignedAbove(renamed))) return renamed;
  return rewriteAddressFields(renamed, address);
}

function withoutForgeries(header: string, ours: OurFields): string {
  const claimed = header.replace(RESULTS, (_, name: string, value: string) => (ours.allResults || authServId(value) === ours.authServId ? `Old-${name}` : name));
  return ours.receivedSpf ? claimed.replace(RECEIVED_SPF, name => `Old-${name}`) : claimed;
}

export function isSigned(header: string): boolean {
  return SIGNATURE.test(header);
}

function signsReturnPath(header: string): boolean {
  return header.match(SIGNATURES)?.some(field => SIGNED_RETURN_PATH.test(field)) ?? false;
}

function isSignedAbove(header: string): boolean {
  const signature = header.search(SIGNATURE);
  return signature >= 0 && signature < header.search(ADDRESSES);
}
