/** Messages as an operator names them: by queue ids, domain, route or sender; and a word about each id that did not do. */
import type { MessageId } from '../../../core/envelope.ts';
import type { ListedMessage, Operations, Wanted } from '../../../core/operations.ts';
import { print, readArguments, Usage, type Context } from '../command.ts';

export const SELECTING = `  QID        this message; several may be named
  --domain D recipients in D are still pending; .D is its subdomains
  --route R  pending recipients go by R: a transport (esmtp), a next hop, or both (esmtp/mail.example.com)
  --from A   its sender is A: an address, a login, all of @example.com, or <> (reports)`;

export const BY_WAYS = '--domain D | --route R | --from A';

const OPTIONS = { domain: { type: 'string' }, route: { type: 'string' }, from: { type: 'string' }, all: { type: 'boolean' } } as const;
const QUEUE_ID = /^[0-9A-F]{13}\.[0-9A-F]{8}$/;

/** As it was copied: in small letters, or with the end of a sentence. */
export function readId(word: string): MessageId {
  const plain = word.trim().replace(/[,;:]$/, '').toUpperCase();
  return (QUEUE_ID.test(plain) ? plain : word) as MessageId;
}

export function isId(word: string): boolean {
  return QUEUE_ID.test(readId(word));
}

/** Null: nothing was named. Words are ids. */
export function readSelection(args: readonly string[]): Wanted | null {
  const { values, positionals } = readArguments({ args: [...args], allowPositionals: true, options: OPTIONS });
  return selectionOf(values, positionals);
}

export function selectionOf({ domain, route, from, all }: { readonly domain?: string; readonly route?: string; readonly from?: string; readonly all?: boolean }, words: readonly string[]): Wanted | null {
  const ways = [words.length > 0, domain !== undefined, route !== undefined, from !== undefined, all === true].filter(way => way).length;
  if (ways > 1) throw new Usage('one of queue ids, --domain, --route and --from');
  if (domain !== undefined) return { domain };
  if (route !== undefined) return { route };
  if (from !== undefined) return { from };
  if (words.length > 0) return { ids: [...new Set(words.map(readId))] };
  return all === true ? 'all' : null;
}

export const selectionOptions = OPTIONS;

export type Unfit = Partial<Record<ListedMessage['state'], string>>;

/** Tells of ids that name no message, and of messages that an order is not for. How many. */
export async function tellUnfit(context: Context, queue: Operations, ids: readonly MessageId[], unfit: Unfit): Promise<number> {
  const states = new Map<MessageId, ListedMessage['state']>();
  for await (const { id, state } of queue.list({ ids })) states.set(id, state);
  let told = 0;
  for (const id of ids) {
    const state = states.get(id);
    const why = state === undefined ? null : unfit[state];
    if (why === undefined) continue;
    told++;
    if (why === null) await tellMissing(context, queue, id);
    else await print(context.stderr, `${id} ${why}`);
  }
  return told;
}

export async function tellMissing(context: Context, queue: Pick<Operations, 'recent'>, id: string): Promise<void> {
  if (!QUEUE_ID.test(id)) return print(context.stderr, `Message not found: ${visible(id)} is no queue id, as mailq shows them.`);
  const gone = (await queue.recent(id as MessageId)).length > 0;
  return print(context.stderr, `Message not found: ${id}${gone ? ` is not queued any more; posthorn trace ${id} tells what became of it` : ''}.`);
}

/** Nothing was found by a domain, a route or a sender. */
export function formatNothing(which: Wanted, what = 'queued'): string {
  if (typeof which === 'object' && 'domain' in which) return `Message not found: nothing that is ${what} has a pending recipient in ${visible(which.domain)}.`;
  if (typeof which === 'object' && 'route' in which) return `Message not found: nothing that is ${what} goes by ${visible(which.route)}.`;
  if (typeof which === 'object' && 'from' in which) return `Message not found: nothing that is ${what} comes from ${visible(which.from)}.`;
  return 'Message not found.';
}

/** What strangers wrote must not move a terminal's cursor, nor turn the line round. */
export function visible(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, ' ');
}
