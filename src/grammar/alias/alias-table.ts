/**
 * Aliases, ready to be asked. Members that are aliases themselves are resolved as far as they go; a name that leads
 * back to itself (`x: x, y`) means its own mailbox there, so no definition can loop. Nobody is named twice.
 */
import type { Address } from '../../core/envelope.ts';
import { domainOf, localPart, parseAddress } from '../address.ts';
import type { AliasMember } from './aliases.ts';
import { parseDomain } from '../domain.ts';

export type AliasTarget =
  | { readonly kind: 'address'; readonly address: Address }
  | { readonly kind: 'instruction'; readonly text: string };

export interface AliasDefinition {
  /** For people: `aliases/system:3`. */
  readonly where: string;
  readonly name: string;
  /** Includes already read. */
  readonly members: readonly Exclude<AliasMember, { kind: 'include' }>[];
}

export interface AliasFound {
  readonly targets: readonly AliasTarget[];
  /** One line a step. */
  readonly steps: readonly string[];
}

export interface AliasTable {
  /** Asked with the canonical form; null: not an alias. */
  find(canonical: Address): AliasFound | null;
  readonly definitions: readonly AliasDefinition[];
  /** Names and members that are no addresses. */
  readonly problems: readonly { readonly where: string; readonly what: string }[];
}

/** More than this is a mailing list's work. */
const MOST_TARGETS = 10_000;

interface Definition {
  readonly where: string;
  readonly members: AliasTarget[];
}
interface Virtual {
  readonly where: string;
  readonly users: string[];
}

/** `canonical`: the form in which an address is looked up; one without a domain gets ours. */
export function createAliasTable(definitions: readonly AliasDefinition[], canonical: (address: Address) => Address): AliasTable {
  const exact = new Map<Address, Definition>();
  const virtual = new Map<string, Virtual>();
  const problems: { where: string; what: string }[] = [];

  for (const { where, name, members } of definitions) {
    if (name.startsWith('@')) readVirtual(where, name, members);
    else readExact(where, name, members);
  }

  function readExact(where: string, name: string, members: AliasDefinition['members']): void {
    const address = parseAddress(name);
    if (address === null) return void problems.push({ where, what: `${name} is no address` });
    const key = canonical(address);
    const definition = exact.get(key) ?? { where, members: [] };
    exact.set(key, definition);
    for (const member of members) {
      const to = member.kind === 'address' ? parseAddress(member.text) : null;
      if (member.kind === 'instruction') definition.members.push(member);
      else if (to === null) problems.push({ where, what: `${member.text} is no address` });
      else definition.members.push({ kind: 'address', address: canonical(to) });
    }
  }
  function readVirtual(where: string, name: string, members: AliasDefinition['members']): void {
    const domain = parseDomain(name.slice(1));
    if (domain === null) return void problems.push({ where, what: `${name} is no domain` });
    const definition = virtual.get(domain) ?? { where, users: [] };
    virtual.set(domain, definition);
    for (const member of members) {
      if (member.kind === 'address') definition.users.push(member.text);
      else problems.push({ where, what: `${name} can only lead to addresses` });
    }
  }

  /** `@domain: user` makes `user-local`; `user!` takes the local-part without a dash. Not looked up again. */
  function virtually(address: Address): { readonly where: string; readonly to: readonly Address[] } | null {
    const found = virtual.get(domainOf(address));
    const local = localPart(address);
    if (found === undefined || /[!%"]/.test(local)) return null;
    const to = found.users.map(user => {
      const at = user.lastIndexOf('@');
      const [left, domain] = at < 0 ? [user, ''] : [user.slice(0, at), user.slice(at)];
      return parseAddress(`${left.endsWith('!') ? left : `${left}-`}${local}${domain}`);
    });
    return { where: found.where, to: to.filter(one => one !== null).map(canonical) };
  }

  function find(asked: Address): AliasFound | null {
    if (!exact.has(asked) && (virtual.size === 0 || !virtual.has(domainOf(asked)))) return null;
    const targets = new Map<string, AliasTarget>();
    const steps: string[] = [];
    const visited = new Set<Address>();
    const add = (target: AliasTarget) => {
      if (targets.size < MOST_TARGETS) targets.set(target.kind === 'address' ? target.address : target.text, target);
    };
    // Depth by a list of our own: a long chain of aliases must not be deep in calls.
    const waiting: { readonly address: Address; readonly path: readonly Address[] }[] = [{ address: asked, path: [] }];
    for (let next = waiting.pop(); next !== undefined && targets.size < MOST_TARGETS; next = waiting.pop()) {
      const { address, path } = next;
      const definition = exact.get(address);
      if (definition === undefined) {
        const through = virtually(address);
        if (through === null) {
          if (path.length > 0) add({ kind: 'address', address });
          continue;
        }
        steps.push(`${address} is in a virtual domain (${through.where}): ${through.to.join(', ')}`);
        for (const to of through.to) add({ kind: 'address', address: to });
      } else if (path.includes(address)) {
        steps.push(`${address} leads back to itself: its own mailbox`);
        add({ kind: 'address', address });
      } else if (!visited.has(address)) {
        visited.add(address);
        steps.push(`${address} is an alias (${definition.where}): ${definition.members.map(shownTarget).join(', ')}`);
        const further = path.length < MOST_TARGETS ? [...path, address] : path;
        for (const member of definition.members.toReversed()) {
          if (member.kind === 'instruction') add(member);
          else waiting.push({ address: member.address, path: further });
        }
      }
    }
    return steps.length === 0 ? null : { targets: [...targets.values()], steps };
  }

  return { find, definitions, problems };
}

function shownTarget(target: AliasTarget): string {
  return target.kind === 'address' ? target.address : target.text;
}
