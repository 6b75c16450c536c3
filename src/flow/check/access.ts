/**
 * The access table: the most specific network that has the peer decides, alone; nothing is inherited.
 * A binary trie over the address bits, so a table of any size costs at most 128 steps a connection.
 */
import type { Admission, Variables } from '../../core/policy.ts';
import { refuse } from '../../core/status.ts';
import { formatAccessNetwork, type AccessEntry } from '../../grammar/config/ways-in/access.ts';
import { bitOf, parseIpAddress, type IpAddress } from '../../grammar/config/network.ts';

export interface AdmissionRules {
  readonly access: readonly AccessEntry[];
  /** What holds before the table is asked; an entry's variables are laid over it. */
  readonly variables: Variables;
  /** What who is denied hears; null: the usual text. */
  readonly denied?: string | null;
}

type Answer = ReturnType<Admission['admit']>;

interface Node {
  answer?: Answer;
  readonly next: [Node | undefined, Node | undefined];
}

export function createAdmission({ access, variables, denied = null }: AdmissionRules): Admission {
  const roots = { 4: emptyNode(), 6: emptyNode() };
  let everyone: Answer = { kind: 'admitted', variables };
  for (const entry of access) {
    const answer = answerOf(entry, variables, denied);
    if (entry.network === null) everyone = answer;
    else plant(roots[entry.network.family], entry.network.octets, entry.network.bits, answer);
  }
  function admit({ remoteAddress }: { readonly remoteAddress: string }): Answer {
    const address = parseIpAddress(remoteAddress);
    // A socket without an address is a local one; it gets what strangers get.
    return address === null ? everyone : (longest(roots[address.family], address) ?? everyone);
  }
  return { admit };
}

function answerOf(entry: AccessEntry, base: Variables, denied: string | null): Answer {
  if (entry.decision.kind === 'deny') return refuse('accessDenied', { ...(denied === null ? {} : { text: denied }), why: `smtpaccess denies ${formatAccessNetwork(entry.network)}` });
  return { kind: 'admitted', variables: new Map([...base, ...entry.decision.variables]) };
}

function emptyNode(): Node {
  return { next: [undefined, undefined] };
}

function plant(root: Node, octets: readonly number[], bits: number, answer: Answer): void {
  let node = root;
  for (let bit = 0; bit < bits; bit++) node = node.next[bitOf(octets, bit)] ??= emptyNode();
  node.answer = answer;
}

function longest(root: Node, { octets }: IpAddress): Answer | undefined {
  let node: Node | undefined = root;
  let found = root.answer;
  for (let bit = 0; bit < octets.length * 8; bit++) {
    node = node.next[bitOf(octets, bit)];
    if (node === undefined) break;
    found = node.answer ?? found;
  }
  return found;
}
