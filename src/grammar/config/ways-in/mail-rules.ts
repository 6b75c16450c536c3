/** What a connection's variables say about the messages that come by it: MIME, BOFHBADMIME and their limits. */
import { parseWholeNumber } from '../control-file.ts';
import { noting, settle, shown, wrong, read, type Parsed, type Problem } from '../parsed.ts';

export interface MailRules {
  /** labels: what Courier does without a setting. */
  readonly convert: 'none' | 'labels' | '7bit' | '8bit';
  readonly malformed: 'reject' | 'wrap' | 'accept';
  /** 8-bit headers and bodies that are not declared are malformed, too. */
  readonly refuseRaw8bit: boolean;
  readonly refuseBase64Text: boolean;
  readonly limits: { readonly depth: number; readonly parts: number };
  /** Address fields: always rewritten, never, or where no signature stands above them. */
  readonly rewrite: 'always' | 'never' | 'unsigned';
}

export const mailRuleVariables = ['MIME', 'BOFHBADMIME', 'BOFHNOBASE64TEXT', 'BOFHMIMEDEPTH', 'BOFHMIMEPARTS', 'NOADDRREWRITE'] as const;

type Variables = ReadonlyMap<string, string>;

const CONVERSIONS = ['none', 'labels', '7bit', '8bit'] as const;
const MALFORMED = ['reject', 'wrap', 'accept'] as const;
const REWRITING = { 0: 'always', 1: 'never', 2: 'unsigned' } as const;
const DEPTH = 20;
const PARTS = 300;

/**
 * `trusted`: the client may relay, so that its mail is its owner's business. A stranger's must be MIME that everybody reads
 * alike, because what a scanner reads otherwise than a reader passes it.
 */
export function parseMailRules(variables: Variables, trusted: boolean): Parsed<MailRules> {
  const problems: Problem[] = [];
  const chosen = <T extends string>(name: string, values: readonly T[], fallback: T): T => {
    const text = variables.get(name) ?? '';
    return text === '' ? fallback : (noting(oneOf(name, text, values), 1, problems) ?? fallback);
  };
  const counted = (name: string, fallback: number, most: number): number => {
    const text = variables.get(name) ?? '';
    return text === '' ? fallback : (noting(parseWholeNumber(text, 1, most, `${name}=${fallback}`), 1, problems) ?? fallback);
  };
  const said = variables.get('BOFHBADMIME') ?? '';
  const malformed = chosen('BOFHBADMIME', MALFORMED, trusted ? 'accept' : 'reject');
  return settle({
    convert: chosen('MIME', CONVERSIONS, 'none'),
    malformed,
    refuseRaw8bit: said !== '' && malformed !== 'accept',
    refuseBase64Text: isOn(variables.get('BOFHNOBASE64TEXT')),
    limits: { depth: counted('BOFHMIMEDEPTH', DEPTH, 1000), parts: counted('BOFHMIMEPARTS', PARTS, 100_000) },
    rewrite: REWRITING[chosen('NOADDRREWRITE', ['0', '1', '2'], '2')],
  }, problems);
}

/** What is wrong in them is said when the configuration is read; here it counts as not said. */
export function mailRulesOf(variables: Variables, trusted: boolean): MailRules {
  const parsed = parseMailRules(variables, trusted);
  if (parsed.kind === 'read') return parsed.value;
  const usual = parseMailRules(new Map(), trusted);
  if (usual.kind !== 'read') throw new Error('the usual rules are wrong');
  return usual.value;
}

function oneOf<T extends string>(name: string, text: string, values: readonly T[]): Parsed<T> {
  const found = values.find(value => value === text.toLowerCase());
  return found === undefined ? wrong(`${name}: ${shown(text)} is none of ${values.join(', ')}`, `${name}=${values[0]}`) : read(found);
}

function isOn(text: string | undefined): boolean {
  return text !== undefined && text !== '' && text !== '0';
}
