/**
 * Who may send where (RFC 5321 §3.6.2): a relay client and a person who logged in anywhere, strangers only to the
 * domains of esmtpacceptmailfor. `locals` and `hosteddomains` are not asked: what is accepted is said in one place.
 */
import type { Address, Origin } from '../../core/envelope.ts';
import type { Check, Variables } from '../../core/policy.ts';
import { pass } from '../../core/policy.ts';
import { refuse } from '../../core/status.ts';
import type { DomainList } from '../../grammar/config/domain-list.ts';

/** `home`: what a domain literal stands for that the client was connected to (RFC 5321 §4.1.3); null: it is not ours. */
export function createRelayCheck(accepted: Pick<DomainList, 'has'>, home: (domain: string, origin: Origin) => string | null = () => null): Check {
  return {
    name: 'relay',
    stage: 'rcpt',
    judge({ origin, variables, recipient }) {
      if (recipient === undefined || !comesByNetwork(origin)) return pass;
      const written = domainOf(recipient);
      const domain = written.startsWith('[') ? (home(written, origin) ?? written) : written;
      // Only <Postmaster> has no domain, and every server takes it (RFC 5321 §4.5.1).
      if (domain === '') return recipient.toLowerCase() === 'postmaster' ? pass : refuse('badRecipientAddress', { why: 'recipient without domain' });
      if (accepted.has(domain)) return pass;
      // A name without a dot is nobody's on the Internet (RFC 5321 §2.3.5); only a list of ours can mean it.
      if (!domain.includes('.') && !domain.startsWith('[')) return refuse('badRecipientAddress', { why: `${domain} has no dot` });
      if (mayRelay(origin, variables)) return pass;
      return refuse('relayDenied', { why: `${domain} is not in esmtpacceptmailfor, and the client may not relay` });
    },
  };
}

export function mayRelay(origin: Origin, variables: Variables): boolean {
  return origin.relayClient !== undefined || origin.login !== undefined || variables.has('RELAYCLIENT');
}

/** Mail that was made on this machine, our own reports among it, is no relaying. */
function comesByNetwork({ source }: Origin): boolean {
  return source === 'esmtp' || source === 'submission';
}

/** A last `@` that stands in quotes belongs to a local-part without domain. */
function domainOf(recipient: Address): string {
  const at = recipient.lastIndexOf('@');
  return at < 0 || recipient.endsWith('"') ? '' : recipient.slice(at + 1);
}
