/** BOFHSPFHELO, BOFHSPFMAILFROM, BOFHSPFFROM: which results are accepted; BOFHSPFHARDERROR: which of the others are final. */
import type { Variables } from '../../../core/policy.ts';
import { refuse, type Refusal } from '../../../core/status.ts';
import { isSet } from '../switch.ts';
import type { SpfAnswer, SpfResult } from './evaluate.ts';

export type SpfIdentity = 'helo' | 'mailfrom' | 'from';

export interface SpfWishes {
  accepts(result: SpfResult): boolean;
  /** The client's address in an allow list is enough. */
  readonly allowListed: boolean;
  /** From is not looked at when MAIL FROM has passed. */
  readonly mailFromSuffices: boolean;
}

/** Courier's words for two of them are older than the RFC's. */
const OTHER_NAMES: Readonly<Partial<Record<SpfResult, string>>> = { temperror: 'error', permerror: 'unknown' };
const NAMES: Readonly<Record<SpfIdentity, string>> = { helo: 'BOFHSPFHELO', mailfrom: 'BOFHSPFMAILFROM', from: 'BOFHSPFFROM' };
/** What Courier calls an identity in replies and fields. */
export const IDENTITY_WORDS: Readonly<Record<SpfIdentity, string>> = { helo: 'HELO', mailfrom: 'MAILFROM', from: 'FROM' };

/** Null: this identity is not looked at. */
export function spfWishes(variables: Variables, identity: SpfIdentity): SpfWishes | null {
  const words = wordsOf(variables.get(NAMES[identity]));
  if (words.length === 0 || words.includes('off')) return null;
  return {
    accepts: result => words.includes('all') || named(words, result),
    allowListed: words.includes('allowok'),
    mailFromSuffices: words.includes('mailfromok'),
  };
}

/** Whether a result counts by the lists' words; `mailfromok` takes trouble for a pass, as Courier does. */
export function passedMailFrom(variables: Variables): boolean {
  return ['pass', 'temperror'].includes(variables.get('SPF_MAILFROM') ?? '');
}

export function refuseSpf(variables: Variables, identity: SpfIdentity, { result, explanation, why, mechanism }: SpfAnswer): Refusal {
  const hard = wordsOf(variables.get('BOFHSPFHARDERROR') ?? 'fail,softfail');
  const verbose = !isSet(variables.get('BOFHSPFNOVERBOSE'));
  // The domain's words are a stranger's (RFC 7208 §6.2); said to be its own.
  const said = verbose && explanation !== undefined ? `: the domain says: ${explanation}` : '';
  return refuse(named(hard, result) || hard.includes('all') ? 'spfRefused' : 'spfDeferred', {
    text: `SPF ${result} ${IDENTITY_WORDS[identity]}${said}`,
    why: `SPF ${identity} is ${result}${why === undefined ? '' : ` (${why})`}${mechanism === undefined ? '' : ` by ${mechanism}`}, and ${NAMES[identity]} does not accept that`,
  });
}

function named(words: readonly string[], result: SpfResult): boolean {
  return words.includes(result) || words.includes(OTHER_NAMES[result] ?? result);
}

function wordsOf(value: string | undefined): readonly string[] {
  return (value ?? '').toLowerCase().split(/[\s,]+/).filter(word => word !== '');
}
