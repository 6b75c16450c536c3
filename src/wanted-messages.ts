/** Messages by what an operator knows of them: a domain, a transport, a next hop. Found in steps, so that a million of them need no memory. */
import type { MessageId, Recipient } from './core/envelope.ts';
import type { Wanted } from './core/operations.ts';
import { isFinal } from './core/outcome.ts';
import type { QueueEntry, QueueStore, Selection } from './core/queue-store.ts';
import type { Router } from './core/transport.ts';
import { domainOf } from './grammar/address.ts';
import { asciiDomain } from './grammar/domain.ts';

/** Messages in one order. */
const STEP = 500;

export interface WantedMessages {
  list(which: Wanted): AsyncIterable<QueueEntry>;
  /** In selections that the store understands. */
  selections(which: Wanted): AsyncIterable<Selection>;
}

export function createWantedMessages(store: QueueStore, router: Router): WantedMessages {
  async function* list(which: Wanted): AsyncIterable<QueueEntry> {
    if (isSelection(which)) {
      yield* store.list(which);
      return;
    }
    const wanted = 'domain' in which ? inDomain(which.domain) : null;
    for await (const entry of store.list('all')) {
      const pending = entry.message.recipients.filter(({ outcome }) => outcome === undefined || !isFinal(outcome));
      for (const recipient of pending) {
        if (wanted !== null ? !wanted(recipient) : !('route' in which) || !(await goesBy(which.route, recipient, entry))) continue;
        yield entry;
        break;
      }
    }
  }

  async function goesBy(wanted: string, recipient: Recipient, { message }: QueueEntry): Promise<boolean> {
    const route = await router.route(recipient, message.envelope);
    if (route.kind !== 'route') return false;
    const { transport, nexthop } = route;
    return [transport, nexthop, `${transport}/${nexthop}`].some((name) => name.toLowerCase() === wanted.toLowerCase());
  }

  return {
    list,
    async *selections(which) {
      if (isSelection(which)) {
        yield which;
        return;
      }
      let ids: MessageId[] = [];
      for await (const { message } of list(which)) {
        ids.push(message.id);
        if (ids.length < STEP) continue;
        yield { ids };
        ids = [];
      }
      if (ids.length > 0) yield { ids };
    },
  };
}

function isSelection(which: Wanted): which is Selection {
  return typeof which === 'string' || !('domain' in which || 'route' in which);
}

function inDomain(wanted: string): (recipient: Recipient) => boolean {
  const under = wanted.startsWith('.');
  const plain = under ? wanted.slice(1) : wanted;
  const domain = (asciiDomain(plain) ?? plain).toLowerCase();
  return ({ address }) => {
    const own = domainOf(address);
    const ascii = (asciiDomain(own) ?? own).toLowerCase();
    return under ? ascii.endsWith(`.${domain}`) : ascii === domain;
  };
}
