/** Who goes where: recipients of one transport and next hop together, as many as the transport takes. */
import type { Outcome } from '../../core/outcome.ts';
import type { RecipientState, StoredMessage } from '../../core/queue-store.ts';
import type { Route, Router, Settled } from '../../core/transport.ts';
import { ourBug } from './attempt.ts';
import type { Tally } from './tally.ts';

export interface Routing {
  /** Null: it is settled, and was given to `settled`. Never rejects. */
  one(message: StoredMessage, recipient: RecipientState, settled: SettledBy): Route | null | Promise<Route | null>;
  /** In groups. */
  all(message: StoredMessage, recipients: readonly RecipientState[], settled: SettledBy): Promise<readonly Group[]>;
}

export type SettledBy = (recipient: RecipientState, outcome: Outcome) => void;

export interface Group {
  readonly route: Route;
  readonly recipients: readonly RecipientState[];
}

/** `most` is how many recipients a transport takes at once, `late` the way of mail that is past its warning. */
export function createRouting(router: Router, most: (transport: string) => number, tally: Tally, late: (route: Route) => Route): Routing {
  function one(message: StoredMessage, recipient: RecipientState, settled: SettledBy): Route | null | Promise<Route | null> {
    const take = (answer: Route | Settled): Route | null => {
      if (answer.kind === 'route') return message.warnedAt === undefined ? answer : late(answer);
      settled(recipient, answer.outcome);
      return null;
    };
    const wrong = (cause: unknown): null => {
      tally.bug('router', 'routing failed', { id: message.id, addr: recipient.address, cause });
      settled(recipient, ourBug);
      return null;
    };
    try {
      const answer = router.route(recipient, message.envelope);
      return answer instanceof Promise ? answer.then(take).catch(wrong) : take(answer);
    } catch (cause) {
      return wrong(cause);
    }
  }

  async function all(message: StoredMessage, recipients: readonly RecipientState[], settled: SettledBy): Promise<readonly Group[]> {
    const together = new Map<string, { route: Route; recipients: RecipientState[] }>();
    for (const recipient of recipients) {
      const found = one(message, recipient, settled);
      const route = found instanceof Promise ? await found : found;
      if (route === null) continue;
      const key = `${route.transport}\n${route.nexthop}`;
      const known = together.get(key);
      if (known === undefined) together.set(key, { route, recipients: [recipient] });
      else known.recipients.push(recipient);
    }
    const groups: Group[] = [];
    for (const { route, recipients: members } of together.values()) {
      const size = Math.max(1, most(route.transport));
      for (let at = 0; at < members.length; at += size) groups.push({ route, recipients: members.slice(at, at + size) });
    }
    return groups;
  }

  return { one, all };
}
