/**
 * The access table: the most specific network that has the peer decides, alone; nothing is inherited.
 * A binary trie over the address bits, so a table of any size costs at most 128 steps a connection.
 */
import type { Admission, Variables } from '../../core/policy.ts';
import { refuse } from '../../core/status.ts';
import { formatAccessNetwork, formatPlace, type AccessEntry } from '../../grammar/config/ways-in/access.ts';
import { bitOf, formatIpAddress, parseIpAddress, type IpAddress } from '../../grammar/config/network.ts';

export interface AdmissionRules {
  readonly access: readonly AccessEntry[];
  /** What holds before the table is asked; an entry's variables are laid over it. */
  readonly variables: Variables;
  /** What who is denied hears; null: the usual text. */
  readonly denied?: string | null;
  /** The table is also asked about the address and port that the peer called (-accesslocal). */
  readonly local?: boolean;
}

type Answer = ReturnType<Admission['admit']>;
type Peer = Parameters<Admission['admit']>[0];

interface Ruled {
  readonly answer: Answer;
  /** What the entry itself says. */
  readonly own: Variables;
}

interface Node {
  ruled?: Ruled;
  readonly next: [Node | undefined, Node | undefined];
}

const NOTHING: Variables = new Map();
/** Clients whose entry is remembered. */
const RECENT = 256;

export function createAdmission(rules: AdmissionRules): Admission {
  const { access, variables } = rules;
  const roots = { 4: emptyNode(), 6: emptyNode() };
  let everyone: Ruled = { answer: { kind: 'admitted', variables }, own: NOTHING };
  for (const entry of access) {
    if (entry.place !== undefined) continue;
    const ruled = rule(entry, rules);
    if (entry.network === null) everyone = ruled;
    else plant(roots[entry.network.family], entry.network.octets, entry.network.bits, ruled);
  }
  /** A client is asked about at its connection and again for each message and outcome. */
  const recent = new Map<string, Ruled>();

  function find({ remoteAddress }: Peer): Ruled {
    const known = recent.get(remoteAddress);
    if (known !== undefined) return known;
    const address = parseIpAddress(remoteAddress);
    // A socket without an address is a local one; it gets what strangers get.
    const found = address === null ? everyone : (longest(roots[address.family], address) ?? everyone);
    if (recent.size >= RECENT) recent.clear();
    recent.set(remoteAddress, found);
    return found;
  }
  if (rules.local !== true) return { admit: peer => find(peer).answer };
  const places = placesOf(rules);
  return {
    admit(peer) {
      const peers = find(peer);
      const place = placeOf(places, peer);
      if (place === undefined || peers.answer.kind === 'refused') return peers.answer;
      if (place.answer.kind === 'refused') return place.answer;
      return { kind: 'admitted', variables: new Map([...variables, ...place.own, ...peers.own]) };
    },
  };
}

function placesOf(rules: AdmissionRules): ReadonlyMap<string, Ruled> {
  const places = new Map<string, Ruled>();
  for (const entry of rules.access) {
    const { place, network } = entry;
    const ruled = rule(entry, rules);
    if (place !== undefined) places.set(formatPlace(place), ruled);
    // An entry for one of our own addresses is meant for this machine as a client: not everyone who calls it may relay.
    else if (network !== null && network.bits === network.octets.length * 8) places.set(formatIpAddress(network), { ...ruled, own: new Map([...ruled.own].filter(([name]) => name !== 'RELAYCLIENT' && name !== 'FAXRELAYCLIENT')) });
  }
  return places;
}

function placeOf(places: ReadonlyMap<string, Ruled>, { localAddress, localPort }: Peer): Ruled | undefined {
  const address = parseIpAddress(localAddress);
  const called = address === null ? '' : formatIpAddress(address);
  return places.get(`${called}.${localPort}`) ?? places.get(called) ?? places.get(`*.${localPort}`);
}

function rule(entry: AccessEntry, { variables, denied = null }: AdmissionRules): Ruled {
  const { decision, place } = entry;
  const key = place === undefined ? formatAccessNetwork(entry.network) : formatPlace(place);
  if (decision.kind === 'deny') return { answer: refuse('accessDenied', { ...(denied === null ? {} : { text: denied }), why: `smtpaccess denies ${key}` }), own: NOTHING };
  return { answer: { kind: 'admitted', variables: new Map([...variables, ...decision.variables]) }, own: decision.variables };
}

function emptyNode(): Node {
  return { next: [undefined, undefined] };
}

function plant(root: Node, octets: readonly number[], bits: number, ruled: Ruled): void {
  let node = root;
  for (let bit = 0; bit < bits; bit++) node = node.next[bitOf(octets, bit)] ??= emptyNode();
  node.ruled = ruled;
}

function longest(root: Node, { octets }: IpAddress): Ruled | undefined {
  let node: Node | undefined = root;
  let found = root.ruled;
  for (let bit = 0; bit < octets.length * 8; bit++) {
    node = node.next[bitOf(octets, bit)];
    if (node === undefined) break;
    found = node.ruled ?? found;
  }
  return found;
}
