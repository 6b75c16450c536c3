/**
 * Domains behind ours that the world reaches as `user%domain@ours` (Courier's esmtppercentrelay). Inside the house they
 * have their own names; what leaves by ESMTP names them through us again.
 */
interface Domains {
  has(domain: string): boolean;
}

/** `user%behind@ours` is `user@behind`; anything else stays. The last `%` counts: those before it lead on from there. */
export function percentInward(address: string, ours: Domains, behind: Domains): string {
  const at = address.lastIndexOf('@');
  // What is quoted is a name, not a path.
  if (at <= 0 || address.startsWith('"') || !ours.has(address.slice(at + 1))) return address;
  const percent = address.lastIndexOf('%', at);
  if (percent <= 0) return address;
  const domain = address.slice(percent + 1, at);
  return domain !== '' && behind.has(domain) ? `${address.slice(0, percent)}@${domain}` : address;
}

/** The way out. */
export function percentOutward(address: string, behind: Domains, us: string): string {
  const at = address.lastIndexOf('@');
  if (at <= 0 || address.startsWith('"') || !behind.has(address.slice(at + 1))) return address;
  return `${address.slice(0, at)}%${address.slice(at + 1)}@${us}`;
}
