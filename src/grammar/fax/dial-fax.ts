/** From a fax address to what is dialled, or why not: address, rules and blocked numbers together. */
import { parseFaxDomain, parseFaxNumber, type FaxOptions } from './fax-address.ts';
import { applyFaxRules, isBlocked, type Dialling, type FaxRule, type FaxSource } from './fax-rules.ts';
import type { NumberPattern } from './number-pattern.ts';

export interface DialPlan {
  readonly rules: readonly FaxRule[];
  readonly blocked: readonly NumberPattern[];
}

export type DialledFax =
  | { readonly kind: 'dial'; readonly number: string; readonly options: FaxOptions; readonly steps: Dialling['steps'] }
  | { readonly kind: 'refused'; readonly reason: 'number' | 'rules' | 'blocked'; readonly why: string; readonly steps: Dialling['steps'] };

/** Null: the domain is none of faxes. `source` null: it was accepted when it came. */
export function dialFax({ rules, blocked }: DialPlan, localPart: string, domain: string, source: FaxSource | null): DialledFax | null {
  const options = parseFaxDomain(domain);
  if (options === null) return null;
  const number = parseFaxNumber(localPart);
  if (number === null) return { kind: 'refused', reason: 'number', why: 'there is no fax number in it, or one of more than 80 characters', steps: [] };
  const dialling = applyFaxRules(rules, number, source);
  const { steps } = dialling;
  if (dialling.kind === 'refused') return { kind: 'refused', reason: 'rules', why: dialling.why, steps };
  if (isBlocked(blocked, dialling.number)) return { kind: 'refused', reason: 'blocked', why: `faxblocked has ${dialling.number}`, steps };
  return { kind: 'dial', number: dialling.number, options, steps };
}

/** The name that faxrc has for a way in. */
export function faxSourceOf(source: 'esmtp' | 'submission' | 'local' | 'uucp' | 'dsn' | 'fax' | 'list'): FaxSource {
  switch (source) {
    case 'esmtp':
    case 'submission':
      return 'esmtp';
    case 'uucp':
    case 'dsn':
      return source;
    case 'local':
    case 'fax':
    case 'list':
      return 'local';
    default:
      return source satisfies never;
  }
}
