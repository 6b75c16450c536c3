/** Why a message is in quarantine, as it is stored: text; behind a NUL where a filter or a policy judged it, and nothing is damaged. */
export interface Aside {
  readonly why: string;
  readonly judged?: true;
}

export function formatAside({ why, judged }: Aside): Buffer {
  return Buffer.from(judged === true ? `\0${why}` : why);
}

export function parseAside(octets: Buffer): Aside {
  return octets[0] === 0 ? { why: octets.toString('utf8', 1), judged: true } : { why: octets.toString() };
}
