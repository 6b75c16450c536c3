/** What is done at which score: refuse, set aside, put off, or mark. */
import type { Change, Field, Inspected, Looked, Verdict } from '../../core/policy.ts';
import { refuse } from '../../core/status.ts';
import type { ScoreActions } from '../../grammar/config/content-filters.ts';
import { parseFields } from '../../grammar/mime/field.ts';

export interface Scored {
  readonly filter: string;
  readonly score: number;
  /** What is spam in the scanner's own eyes. */
  readonly threshold?: number;
  readonly tests: readonly string[];
  readonly actions: ScoreActions;
  readonly subjectTag: string;
  readonly fields: boolean;
}

const TESTS_SHOWN = 60;

export async function judgeScore(message: Inspected, scored: Scored): Promise<Looked> {
  const { filter, score, threshold, actions, tests } = scored;
  const at = (limit: number | undefined) => limit !== undefined && score >= limit;
  const why = `${filter}: score ${score}`;
  const verdict: Verdict = at(actions.reject) ? refuse('contentRefused', { text: 'Message refused as spam', why })
    : at(actions.quarantine) ? { kind: 'quarantine', why }
      : at(actions.defer) ? refuse('contentDeferred', { why }) : { kind: 'pass' };
  if (verdict.kind === 'refused') return { kind: 'looked', verdicts: forAll(message, verdict), addFields: [] };
  const flagged = at(actions.flag) || (actions.flag === undefined && threshold !== undefined && score >= threshold);
  const addFields: Field[] = !scored.fields ? [] : [
    { name: 'X-Spam-Status', value: `${flagged ? 'Yes' : 'No'}, score=${score}${threshold === undefined ? '' : ` required=${threshold}`}${tests.length === 0 ? '' : `\r\n\ttests=${folded(tests.slice(0, TESTS_SHOWN))}`}` },
    ...(flagged ? [{ name: 'X-Spam-Flag', value: 'YES' }] : []),
  ];
  const changes: Change[] = scored.fields ? withoutForeign(['X-Spam-Flag', 'X-Spam-Status']) : [];
  if (at(actions.subject)) changes.push(...(await taggedSubject(message, scored.subjectTag)));
  return { kind: 'looked', verdicts: verdict.kind === 'pass' ? new Map() : forAll(message, verdict), addFields, changes };
}

export function forAll(message: Inspected, verdict: Verdict): Looked['verdicts'] {
  return new Map([...message.recipients.keys()].map(id => [id, verdict]));
}

/** What a stranger wrote in our name does not stand beside what we write. */
export function withoutForeign(names: readonly string[]): Change[] {
  return names.flatMap(name => Array.from({ length: FOREIGN }, (): Change => ({ kind: 'field', name, nth: 1, value: null })));
}
const FOREIGN = 3;

/** Once; a tag that is there already is enough. */
export async function taggedSubject(message: Inspected, tag: string): Promise<readonly Change[]> {
  const field = parseFields(await headerOf(message)).find(({ name }) => name === 'subject');
  if (field?.value.startsWith(tag) === true) return [];
  return [{ kind: 'field', name: 'Subject', nth: 1, value: `${tag} ${field?.value ?? ''}`.trimEnd() }];
}

/** With its empty line. */
export async function headerOf({ facts, content }: Pick<Inspected, 'facts' | 'content'>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let octets = 0;
  for await (const chunk of content()) {
    pieces.push(chunk);
    octets += chunk.length;
    if (octets >= facts.headerEnd) break;
  }
  return Buffer.concat(pieces).subarray(0, facts.headerEnd);
}

/** Our fields, then what was received: what a scanner should see. */
export async function* wholeOf(message: Inspected): AsyncGenerator<Uint8Array> {
  yield message.trace;
  yield* message.content();
}

function folded(words: readonly string[]): string {
  let line = 0;
  return words.map((word, n) => {
    const text = n === words.length - 1 ? word : `${word},`;
    line += text.length;
    if (line <= 70) return text;
    line = text.length;
    return `\r\n\t${text}`;
  }).join('');
}
