/**
 * Bang paths and domain addresses, both ways (RFC 976 §2, §5). Inside the house a bang path is the local-part of an
 * address at our own domain: `siteb!far!carol@here.example`. Pure text; what a node may be is said in neighbors.ts.
 */
import { isNode, type Neighbors } from './neighbors.ts';

export interface Site {
  /** Our node's name (`uucpme`). */
  readonly me: string;
  readonly defaultDomain: string;
  readonly neighbors: Neighbors;
  /** Domains whose mail is reached by UUCP: domain (or `.domain`) to a listed path. */
  readonly domains: ReadonlyMap<string, string>;
  isLocal(domain: string): boolean;
}

export type Routed =
  /** rmail runs on `node` (one node or several) with `argument`. */
  | { readonly kind: 'route'; readonly node: string; readonly argument: string }
  | { readonly kind: 'unknown' | 'invalid' };

/** Longer ones are loops or attacks; the longest in the maps of the network had under twenty. */
const MOST_NODES = 32;

const invalid = { kind: 'invalid' } as const;
const unknown = { kind: 'unknown' } as const;

/** Where a path `node!…!user` goes. Our own name in front is dropped. */
export function routePath(path: string, { me, neighbors }: Pick<Site, 'me' | 'neighbors'>): Routed {
  const parts = withoutOwn(path, me).split('!');
  const user = parts.pop() as string;
  if (user === '' || parts.length === 0 || parts.length > MOST_NODES || !parts.every(isNode)) return invalid;
  const to = (count: number, rest: readonly string[]): Routed => ({ kind: 'route', node: parts.slice(0, count).join('!'), argument: [...rest, user].join('!') });
  let longest = 0;
  for (let count = 1; count <= parts.length; count++) {
    const found = neighbors.find(parts.slice(0, count).join('!'));
    if (found === undefined) continue;
    if (found.reach === 'relay') return to(count, parts.slice(count));
    longest = count;
  }
  if (longest === 0) return unknown;
  if (longest === parts.length) return to(longest, []);
  const reach = neighbors.find(parts.slice(0, longest).join('!'))?.reach;
  if (reach === 'forward') return to(parts.length, []);
  return reach === 'gateway' ? to(longest, parts.slice(longest)) : unknown;
}

/** Where an address goes by UUCP; null when it does not. `local` without quotes. */
export function routeAddress(local: string, domain: string, site: Site): Routed | null {
  if (domain === '' || site.isLocal(domain)) return local.includes('!') ? routePath(local, site) : null;
  const mapped = mappedDomain(domain, site.domains);
  // To a site that has a domain, `domain!user` says the same as `user@domain` (RFC 976 §2.2), and no relay misreads it.
  if (mapped !== undefined) return { kind: 'route', node: mapped, argument: `${domain}!${local}` };
  const own = site.neighbors.find(domain);
  return own === undefined ? null : { kind: 'route', node: own.path, argument: local };
}

function mappedDomain(domain: string, domains: ReadonlyMap<string, string>): string | undefined {
  const exact = domains.get(domain);
  if (exact !== undefined || domains.size === 0) return exact;
  for (let dot = domain.indexOf('.'); dot >= 0; dot = domain.indexOf('.', dot + 1)) {
    const found = domains.get(domain.slice(dot));
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * An address as a neighbour wrote it to one of ours: `user@domain`, or `path@defaultDomain` for what only UUCP
 * reaches. '' stays ''. Doing it twice changes nothing.
 */
export function fromUucp(text: string, site: Site): string {
  const plain = withoutOwn(text.startsWith('<') && text.endsWith('>') ? text.slice(1, -1) : text, site.me);
  // The @ binds last (RFC 976 §2.1): a!b@c is a!b at c.
  if (plain === '' || plain.includes('@')) return plain;
  const bang = plain.indexOf('!');
  const node = plain.slice(0, bang);
  // A name without a dot is no domain: as a path it is either routed or refused at once, never looked up.
  if (bang <= 0 || bang === plain.length - 1 || site.neighbors.knows(node) || !node.includes('.') || !isNode(node)) return `${plain}@${site.defaultDomain}`;
  return `${plain.slice(bang + 1)}@${node.toLowerCase()}`;
}

/**
 * Our address as the neighbour is to write it back: our name in front, except when the path begins with the very
 * node that reads it. `local` without quotes; a null reverse-path stays ''.
 */
export function toUucp(local: string, domain: string, node: string, site: Site): string {
  if (local === '') return '';
  const own = domain === '' || domain === site.defaultDomain || (site.isLocal(domain) && local.includes('!'));
  const path = own ? local : `${domain}!${local}`;
  const nodes = `${node.toLowerCase()}!`;
  return path.length > nodes.length && path.toLowerCase().startsWith(nodes) ? path.slice(nodes.length) : `${site.me}!${path}`;
}

function withoutOwn(path: string, me: string): string {
  const own = `${me.toLowerCase()}!`;
  let plain = path;
  // `me!` with nobody behind it names nobody.
  while (plain.length > own.length && plain[own.length] !== '@' && plain.toLowerCase().startsWith(own)) plain = plain.slice(own.length);
  return plain;
}
