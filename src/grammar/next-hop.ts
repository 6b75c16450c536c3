/**
 * What the name of an ESMTP next hop begins with. A domain stands alone, a relay has its port behind a comma; behind a
 * blank stands how it is used, where that is special: `relay.example,587 required as box`, `there.example for second.example`.
 */
export interface Place {
  /** As far as the blank. */
  readonly text: string;
  readonly host: string;
  readonly relayed: boolean;
}

export function placeOf(nexthop: string): Place {
  const blank = nexthop.indexOf(' ');
  const text = blank < 0 ? nexthop : nexthop.slice(0, blank);
  const comma = text.lastIndexOf(',');
  return { text, host: comma < 0 ? text : text.slice(0, comma), relayed: comma >= 0 };
}

const FOR = ' for ';

/** A domain that a virtual host reaches otherwise than everybody else. */
export function formatOwnWay(domain: string, host: string): string {
  return `${domain}${FOR}${host}`;
}

export function parseOwnWay(nexthop: string): { readonly domain: string; readonly host: string } | null {
  const { text, relayed } = placeOf(nexthop);
  return !relayed && nexthop.startsWith(FOR, text.length) ? { domain: text, host: nexthop.slice(text.length + FOR.length) } : null;
}
