/** Messages by what an operator knows of them: a domain, a transport, a next hop, a sender. Found in steps, so that a million of them need no memory. */
import type { MessageId, Recipient } from '../core/envelope.ts';
import type { Wanted } from '../core/operations.ts';
import { isFinal } from '../core/outcome.ts';
import type { QueueEntry, QueueStore, Selection } from '../core/queue-store.ts';
import type { Route, Router } from '../core/transport.ts';
import { domainOf } from '../grammar/address.ts';
import { asciiDomain } from '../grammar/domain.ts';
import { placeOf } from '../grammar/next-hop.ts';

/** Messages in one order. */
const STEP = 500;

export interface WantedMessages {
  list(which: Wanted): AsyncIterable<QueueEntry>;
  /** In selections that the store understands. */
  selections(which: Wanted): AsyncIterable<Selection>;
  /** Messages with somebody pending on such a way. */
  selectionsBy(goes: (route: Route) => boolean): AsyncIterable<Selection>;
}

export function createWantedMessages(store: QueueStore, router: Router): WantedMessages {
  async function* list(which: Wanted): AsyncIterable<QueueEntry> {
    if (isSelection(which)) {
      yield* store.list(which);
      return;
    }
    if ('domain' in which) {
      const wanted = inDomain(which.domain);
      yield* pendingWhere((recipient) => wanted(recipient));
    } else if ('route' in which) {
      const wanted = which.route.toLowerCase();
      yield* pendingWhere(goesBy(({ transport, nexthop }) => [transport, nexthop, `${transport}/${nexthop}`, placeOf(nexthop).text, `${transport}/${placeOf(nexthop).text}`].some((name) => name.toLowerCase() === wanted)));
    } else {
      const wanted = isFrom(which.from);
      for await (const entry of store.list('all')) if (wanted(entry)) yield entry;
    }
  }

  async function* pendingWhere(fits: (recipient: Recipient, entry: QueueEntry) => boolean | Promise<boolean>): AsyncIterable<QueueEntry> {
    for await (const entry of store.list('all')) {
      for (const recipient of entry.message.recipients) {
        if (recipient.outcome !== undefined && isFinal(recipient.outcome)) continue;
        if (!(await fits(recipient, entry))) continue;
        yield entry;
        break;
      }
    }
  }

  function goesBy(wanted: (route: Route) => boolean): (recipient: Recipient, entry: QueueEntry) => Promise<boolean> {
    return async (recipient, { message }) => {
      const route = await router.route(recipient, message.envelope);
      return route.kind === 'route' && wanted(route);
    };
  }

  return {
    list,
    async *selections(which) {
      if (isSelection(which)) yield which;
      else yield* inSteps(list(which));
    },
    selectionsBy: (goes) => inSteps(pendingWhere(goesBy(goes))),
  };
}

async function* inSteps(entries: AsyncIterable<QueueEntry>): AsyncIterable<Selection> {
  let ids: MessageId[] = [];
  for await (const { message } of entries) {
    ids.push(message.id);
    if (ids.length < STEP) continue;
    yield { ids };
    ids = [];
  }
  if (ids.length > 0) yield { ids };
}

function isSelection(which: Wanted): which is Selection {
  return typeof which === 'string' || !('domain' in which || 'route' in which || 'from' in which);
}

function inDomain(wanted: string): (recipient: Recipient) => boolean {
  const fits = domainIs(wanted);
  return ({ address }) => fits(domainOf(address));
}

/** `.domain` is what lies below it. */
function domainIs(wanted: string): (domain: string) => boolean {
  const under = wanted.startsWith('.');
  const plain = under ? wanted.slice(1) : wanted;
  const domain = (asciiDomain(plain) ?? plain).toLowerCase();
  return (own) => {
    const ascii = (asciiDomain(own) ?? own).toLowerCase();
    return under ? ascii.endsWith(`.${domain}`) : ascii === domain;
  };
}

function isFrom(wanted: string): (entry: QueueEntry) => boolean {
  const plain = wanted.replace(/^<(.*)>$/, '$1');
  if (plain === '') return ({ message }) => message.envelope.reversePath === null;
  if (plain.startsWith('@')) {
    const inside = domainIs(plain.slice(1));
    return ({ message: { envelope } }) => envelope.reversePath !== null && inside(domainOf(envelope.reversePath));
  }
  const name = plain.toLowerCase();
  return ({ message: { envelope } }) => envelope.reversePath?.toLowerCase() === name || envelope.origin.login?.toLowerCase() === name;
}
