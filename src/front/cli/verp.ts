/** A sender of its own for each recipient (VERP), so that a report tells by its address whom it is about. */
import { parseAddress } from '../../grammar/address.ts';
import { encodeVerp } from '../../grammar/verp.ts';
import { exits } from './command.ts';

/** Kept where no size limit holds. */
const KEPT_OCTETS = 64 * 1024 * 1024;

/** One submission a recipient needs the content as often: it is kept, within the size limit. */
export async function eachItsOwn(recipients: readonly string[], content: AsyncIterable<Uint8Array>, limit: number | null, submit: (recipient: string, content: AsyncIterable<Uint8Array>) => Promise<number>): Promise<number> {
  const kept: Uint8Array[] = [];
  let octets = 0;
  for await (const chunk of content) {
    octets += chunk.length;
    if (octets > (limit ?? KEPT_OCTETS)) return exits.noUser;
    kept.push(chunk);
  }
  async function* again(): AsyncGenerator<Uint8Array> {
    yield* kept;
  }
  for (const recipient of recipients) {
    const code = await submit(recipient, again());
    if (code !== exits.ok) return code;
  }
  return exits.ok;
}

/** `list-bob=there.example@here.example`; what is no address stays as it is, for whoever takes it to refuse. */
export function verpSender(sender: string, recipient: string): string {
  const from = parseAddress(sender);
  const to = parseAddress(recipient);
  return from === null || to === null ? sender : (encodeVerp(from, to) ?? sender);
}
