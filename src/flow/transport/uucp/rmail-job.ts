/** One rmail job: uux's arguments, and the message as it is on the line (RFC 976 §2.4). Pure. */
import type { Recipient, RecipientId, ReversePath } from '../../../core/envelope.ts';
import type { Outcome } from '../../../core/outcome.ts';
import { domainOf, parseAddress, unquotedLocalPart } from '../../../grammar/address.ts';
import { rewriteAddressFields } from '../../../grammar/uucp/address-fields.ts';
import { routeAddress, toUucp, type Site } from '../../../grammar/uucp/bang-path.ts';
import { formatFromLine } from '../../../grammar/uucp/from-line.ts';
import { isSafeArgument, protectedArgument } from '../../../grammar/uucp/rmail-arguments.ts';
import { createUnixLines } from '../../../grammar/uucp/unix-lines.ts';

export interface Named {
  readonly recipient: Recipient;
  readonly argument: string;
}

/** Each recipient's argument for `node`; those who can have none are settled. */
export function nameRecipients(recipients: readonly Recipient[], node: string, site: Site): { readonly named: readonly Named[]; readonly settled: readonly (readonly [RecipientId, Outcome])[] } {
  const named: Named[] = [];
  const settled: (readonly [RecipientId, Outcome])[] = [];
  for (const recipient of recipients) {
    const routed = routeAddress(unquotedLocalPart(recipient.address), domainOf(recipient.address), site);
    if (routed?.kind !== 'route' || routed.node !== node) {
      // The table changed since it was routed: the next attempt asks the new one.
      settled.push([recipient.id, { kind: 'deferred', status: '4.3.5', blame: 'recipient', said: { type: 'x-uucp', text: `The way to ${node} has changed` } }]);
    } else if (isSafeArgument(routed.argument)) named.push({ recipient, argument: routed.argument });
    else settled.push([recipient.id, { kind: 'failed', status: '5.1.3', said: { type: 'x-uucp', text: 'This address cannot be an argument of rmail' } }]);
  }
  return { named, settled };
}

/** The sender's path as the far end reads it; '' for a null one, and for one that cannot be an argument: null. */
export function senderFor(reversePath: ReversePath, node: string, site: Site): string | null {
  if (reversePath === null) return '';
  const path = toUucp(unquotedLocalPart(reversePath), domainOf(reversePath), node, site);
  return isSafeArgument(path) ? path : null;
}

/** Courier's command line, with parentheses against uux's own reading of `!` (fax-uucp-socks 5.3). */
export function uuxArguments(sender: string, flags: readonly string[], node: string, named: readonly Named[]): readonly string[] {
  const report = sender === '' ? ['-n'] : ['-z', '-a', sender];
  return ['-p', ...report, '-j', ...flags, `${node}!rmail`, ...(sender === '' ? [] : ['-f', protectedArgument(sender)]), ...named.map(({ argument }) => protectedArgument(argument))];
}

export interface Lines {
  readonly reversePath: ReversePath;
  readonly at: number;
  readonly site: Site;
  readonly node: string;
  readonly rewriteHeaders: boolean;
  /** Octets before the body. */
  readonly headerOctets: number;
}

/** From_ line, header, body, with LF ends. */
export async function* formatJob(content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>, lines: Lines): AsyncGenerator<Uint8Array> {
  const { reversePath, site } = lines;
  // The line's `remote from` says our name already.
  const path = reversePath === null ? '' : toUucp(unquotedLocalPart(reversePath), domainOf(reversePath), '', site).slice(site.me.length + 1);
  yield Buffer.from(formatFromLine(path, lines.at, site.me));
  const unix = createUnixLines({ dots: false });
  const source = lines.rewriteHeaders ? withRewrittenHeader(content, lines) : content;
  for await (const piece of source) yield unix.feed(piece);
  yield unix.finish();
}

/** A header past this stays as it is. */
const HEADER_OCTETS = 512 * 1024;

async function* withRewrittenHeader(content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>, { headerOctets, site, node }: Lines): AsyncGenerator<Uint8Array> {
  if (headerOctets > HEADER_OCTETS) {
    yield* content;
    return;
  }
  let held: Uint8Array[] | null = [];
  let octets = 0;
  for await (const piece of content) {
    if (held === null) {
      yield piece;
      continue;
    }
    held.push(piece);
    octets += piece.length;
    if (octets < headerOctets) continue;
    yield rewritten(Buffer.concat(held), headerOctets, site, node);
    held = null;
  }
  if (held !== null) yield rewritten(Buffer.concat(held), octets, site, node);
}

function rewritten(octets: Buffer, headerOctets: number, site: Site, node: string): Uint8Array {
  const header = octets.toString('latin1', 0, headerOctets);
  const changed = rewriteAddressFields(header, written => addressFor(written, node, site));
  return changed === header ? octets : Buffer.concat([Buffer.from(changed, 'latin1'), octets.subarray(headerOctets)]);
}

/** Latin1 in and out, as the header is read. */
function addressFor(written: string, node: string, site: Site): string {
  const address = parseAddress(Buffer.from(written, 'latin1').toString('utf8'));
  // Quotes have no bang form that anybody reads the same way.
  if (address === null || address.startsWith('"')) return written;
  return Buffer.from(toUucp(unquotedLocalPart(address), domainOf(address), node, site)).toString('latin1');
}
