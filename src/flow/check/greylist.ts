/**
 * Greylisting (RFC 6647), where GREYLIST is set: the first message of a sender to a recipient from a neighbourhood is
 * asked to come again, which programs made for one purpose never do. Who came again is known for weeks, and a
 * neighbourhood of which several did is known altogether. When the table is full, everybody passes.
 */
import type { Clock } from '../../core/clock.ts';
import type { Notes } from '../../core/notes.ts';
import { pass, type Check, type Facts } from '../../core/policy.ts';
import { refuse } from '../../core/status.ts';
import type { GreylistSettings } from '../../grammar/config/ways-in/greylist.ts';
import { formatNetwork, networkHas, parseIpAddress, type IpAddress } from '../../grammar/config/network.ts';
import { createAddressPatterns } from './address-patterns.ts';
import { cut } from './bans.ts';
import { isSet } from './switch.ts';

export interface GreylistOptions {
  readonly notes: Notes;
  readonly clock: Clock;
  readonly settings: GreylistSettings;
}

/** What is known is written again once a day, not for every message. */
const REFRESH_MS = 86_400_000;

export function createGreylist({ notes, clock, settings }: GreylistOptions): Check {
  const { waitMs, withinMs, keepMs, known } = settings;
  const senders = createAddressPatterns(settings.senders);
  const recipients = createAddressPatterns(settings.recipients);

  function isListed({ origin, reversePath = null, recipient, variables }: Facts, client: IpAddress): boolean {
    const { remoteName } = origin;
    return variables.has('ALLOW_0')
      || settings.networks.some(network => networkHas(network, client))
      || (remoteName !== undefined && settings.names.some(name => remoteName === name || remoteName.endsWith(`.${name}`)))
      || (reversePath !== null && senders.has(reversePath))
      || (recipient !== undefined && recipients.has(recipient));
  }

  /** One more of this neighbourhood that came again. */
  function countBlock(block: string, now: number): void {
    const before = notes.recall('greylist', block);
    notes.note('greylist', block, { at: now, until: now + keepMs, count: (before?.count ?? 0) + 1 });
  }

  return {
    name: 'greylist',
    stage: 'rcpt',
    judge(facts) {
      const { origin, variables, reversePath = null, recipient } = facts;
      if (!isSet(variables.get('GREYLIST')) || recipient === undefined || origin.remoteAddress === undefined) return pass;
      if (origin.login !== undefined || origin.relayClient !== undefined || origin.source !== 'esmtp') return pass;
      const client = parseIpAddress(origin.remoteAddress);
      if (client === null || isListed(facts, client)) return pass;
      const now = clock.now();
      const block = formatNetwork(cut(client, client.family === 4 ? settings.bits4 : settings.bits6));
      const neighbours = notes.recall('greylist', block);
      if (known > 0 && neighbours !== null && neighbours.count >= known) {
        if (now - neighbours.at > REFRESH_MS) notes.note('greylist', block, { ...neighbours, at: now, until: now + keepMs });
        return pass;
      }
      const key = `${block} ${shape(reversePath ?? '')} ${recipient.toLowerCase()}`;
      const seen = notes.recall('greylist', key);
      if (seen === null) {
        // No room: a stranger who fills the table must not keep others' mail away.
        return notes.note('greylist', key, { at: now, until: now + withinMs, count: 0 }) ? refuse('greylisted', { why: `first seen: ${key}` }) : pass;
      }
      if (seen.count > 0) {
        if (now - seen.at > REFRESH_MS) notes.note('greylist', key, { ...seen, at: now, until: now + keepMs });
        return pass;
      }
      if (now - seen.at < waitMs) return refuse('greylisted', { why: `too soon, ${Math.ceil((seen.at + waitMs - now) / 1000)} s are left: ${key}` });
      notes.note('greylist', key, { at: now, until: now + keepMs, count: 1 });
      countBlock(block, now);
      return pass;
    },
  };
}

/** Lists give each message a sender of its own, that differs in numbers and in what stands behind a separator. */
function shape(sender: string): string {
  const at = sender.lastIndexOf('@');
  const local = sender.slice(0, Math.max(0, at)).toLowerCase();
  return `${local.replace(/^prvs=[^=]*=/, '').replace(/[+].*$/, '').replaceAll(/[0-9a-f]*\d[0-9a-f]*/g, '#')}${sender.slice(Math.max(0, at)).toLowerCase()}`;
}
