/** What a device may write on the outside, and what becomes of it. */
import type { Address, ReversePath } from '../../core/envelope.ts';
import { domainOf, localPart, parseAddress } from '../../grammar/address.ts';
import type { AddressRule, DeviceRule } from '../../grammar/config/ways-in/devices.ts';

export function maySendAs({ senders }: DeviceRule, from: ReversePath): boolean {
  return from === null || senders.length === 0 || senders.some(rule => covers(rule, from));
}

export function mayWriteTo({ recipients }: DeviceRule, to: Address): boolean {
  return recipients.length === 0 || recipients.some(rule => covers(rule, to));
}

function covers(rule: AddressRule, address: Address): boolean {
  return rule.kind === 'domain' ? domainOf(address) === rule.domain : rule.address.toLowerCase() === address.toLowerCase();
}

/** The null sender is a report's and stays (RFC 5321 §4.5.5); a name alone is given our domain. */
export function senderOf({ sender }: DeviceRule, from: ReversePath, ourDomain: string): ReversePath {
  if (from === null) return null;
  if (sender === undefined) return withDomain(from, ourDomain);
  return sender.kind === 'address' ? sender.address : (parseAddress(`${localPart(from)}@${sender.domain}`) ?? from);
}

/** The first line that names it counts, exact ones before `*`. */
export function recipientOf({ rename }: DeviceRule, to: Address, ourDomain: string): Address {
  const written = to.toLowerCase();
  const found = rename.find(({ from }) => from !== null && (from === written || (!from.includes('@') && from === localPart(to).toLowerCase())));
  return (found ?? rename.find(({ from }) => from === null))?.to ?? withDomain(to, ourDomain);
}

function withDomain(address: Address, domain: string): Address {
  return domainOf(address) === '' ? (parseAddress(`${address}@${domain}`) ?? address) : address;
}
