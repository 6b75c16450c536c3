/** bofh's rules that need nothing but the envelope: senders never wanted, and how many recipients one message has. */
import type { ReversePath } from '../../core/envelope.ts';
import type { Check } from '../../core/policy.ts';
import { pass } from '../../core/policy.ts';
import { refuse, type Refusal } from '../../core/status.ts';
import type { AddressPattern, Bofh } from '../../grammar/config/bofh.ts';
import { foldDomain } from '../../grammar/config/domain-list.ts';

export type BofhRules = Pick<Bofh, 'badFrom' | 'maxRecipients'>;

/** `badfrom`; the null reverse-path is never a bad sender, it is a report (RFC 5321 §4.5.5). */
export function createSenderCheck(patterns: readonly AddressPattern[]): Check {
  const byDomain = new Map<string, AddressPattern[]>();
  for (const pattern of patterns) {
    const key = pattern.match === 'exact' ? pattern.domain : `.${pattern.domain}`;
    byDomain.set(key, [...(byDomain.get(key) ?? []), pattern]);
  }
  return {
    name: 'badfrom',
    stage: 'mail',
    judge({ reversePath }) {
      return isBad(byDomain, reversePath ?? null) ? refuse('senderRefused', { why: `${reversePath} is a badfrom` }) : pass;
    },
  };
}

/** `maxrcpts`: soft asks for the rest in another transaction, hard wants none of it (RFC 5321 §4.5.3.1.10). */
export function createRecipientLimit({ count, hard }: Bofh['maxRecipients']): Check {
  return {
    name: 'maxrcpts',
    stage: 'rcpt',
    judge: ({ acceptedRecipients = 0 }) => (acceptedRecipients < count ? pass : hard ? tooManyForGood : refuse('tooManyRecipients')),
  };
}

/** 552 would be read as 452 by clients that follow RFC 5321 §4.5.3.1.10, and come again. */
const tooManyForGood: Refusal<5> = { kind: 'refused', reply: 550, status: '5.5.3', text: 'Too many recipients' };

function isBad(byDomain: ReadonlyMap<string, readonly AddressPattern[]>, reversePath: ReversePath): boolean {
  if (reversePath === null || byDomain.size === 0) return false;
  const at = reversePath.lastIndexOf('@');
  const domain = foldDomain(reversePath.slice(at + 1));
  const localPart = reversePath.slice(0, Math.max(0, at)).toLowerCase();
  const has = (key: string): boolean => byDomain.get(key)?.some((pattern) => pattern.localPart === undefined || pattern.localPart.toLowerCase() === localPart) ?? false;
  if (has(domain)) return true;
  for (let dot = domain.indexOf('.'); dot >= 0; dot = domain.indexOf('.', dot + 1)) if (has(domain.slice(dot))) return true;
  return false;
}
