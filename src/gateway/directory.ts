/** What EXPN and VRFY say: the answers that RCPT would give, asked without a message. */
import type { Address, Origin } from '../core/envelope.ts';
import type { Awaitable } from '../core/intake.ts';
import { refuse, type Refusal } from '../core/status.ts';
import type { Directory } from '../flow/receive/index.ts';
import type { Members } from '../flow/intake/index.ts';
import { domainOf, parseAddress } from '../grammar/address.ts';
import type { Rules } from './rules.ts';

type Known = Pick<Rules, 'resolve' | 'instruction' | 'ownTransport' | 'configuration'>;

export function createDirectory(rules: Known): Directory {
  const { defaultDomain } = rules.configuration.names;

  function ask(name: string, origin: Origin, read: (asked: Address, found: Address | Members) => readonly string[] | Refusal): Awaitable<readonly string[] | Refusal> {
    const asked = parseAddress(name.includes('@') ? name : `${name}@${defaultDomain}`);
    if (asked === null) return refuse('noSuchMailbox');
    const { relayClient: _, ...stranger } = origin;
    const judge = (found: Address | Members | Refusal) => (typeof found !== 'string' && found.kind === 'refused' ? found : read(asked, found));
    const found = rules.resolve(asked, stranger);
    return found instanceof Promise ? found.then(judge) : judge(found);
  }

  /** What an alias runs is nobody's business: it stands under the alias's own name. */
  function shown(asked: Address, found: Members): readonly string[] {
    return [...new Set(found.members.map(member => (rules.instruction(member) === null ? member : asked)))];
  }

  return {
    expand: (name, origin) => ask(name, origin, (asked, found) => (typeof found === 'string' ? refuse('noSuchAlias') : shown(asked, found))),
    verify: (name, origin) => ask(name, origin, (asked, found) => {
      if (typeof found !== 'string') return [asked];
      return rules.ownTransport(domainOf(found)) === null ? refuse('noSuchMailbox', { text: 'Not a mailbox of this host' }) : [found];
    }),
  };
}
