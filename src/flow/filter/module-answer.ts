/** What a module answered, read with mistrust: whatever is not of the documented form makes it absent, never a refusal. */
import type { RecipientId } from '../../core/envelope.ts';
import type { Change, Field, FilterAnswer, Inspected, Verdict } from '../../core/policy.ts';
import { refuse } from '../../core/status.ts';
import { refusalFrom } from '../../grammar/filter/answer.ts';

export function answerOf(answer: unknown, message: Inspected, name: string): FilterAnswer {
  if (answer === undefined || answer === null) return { kind: 'looked', verdicts: new Map(), addFields: [] };
  if (!isRecord(answer)) return unreadable('the answer is no object');
  const common = verdictOf(answer, name);
  if (common === null) return unreadable('action, code or text is not as documented');
  const verdicts = new Map<RecipientId, Verdict>();
  const own = answer['recipients'] ?? {};
  if (!isRecord(own)) return unreadable('recipients is no object');
  for (const [id, address] of message.recipients) {
    const given = own[address];
    const verdict = given === undefined ? common : isRecord(given) ? verdictOf(given, name) : null;
    if (verdict === null) return unreadable(`the answer for ${address} is not as documented`);
    if (verdict.kind !== 'pass') verdicts.set(id, verdict);
  }
  const addFields = fieldsOf(answer['addHeaders']);
  const changes = changesOf(answer['setHeaders']);
  if (addFields === null || changes === null) return unreadable('addHeaders or setHeaders is not as documented');
  return { kind: 'looked', verdicts, addFields, changes, ...(answer['final'] === true ? { final: true } : {}) };
}

function unreadable(why: string): FilterAnswer {
  return { kind: 'absent', why };
}

function verdictOf(given: Readonly<Record<string, unknown>>, name: string): Verdict | null {
  const { action = 'pass', code, text } = given;
  if ((code !== undefined && typeof code !== 'number') || (text !== undefined && typeof text !== 'string')) return null;
  const why = `filter ${name}${text === undefined ? '' : `: ${text}`}`;
  switch (action) {
    case 'pass':
      return { kind: 'pass' };
    case 'quarantine':
      return { kind: 'quarantine', why };
    case 'reject':
    case 'defer': {
      const [low, usual] = action === 'reject' ? [500, 'contentRefused'] as const : [400, 'contentDeferred'] as const;
      if (code !== undefined && (!Number.isInteger(code) || code < low || code > low + 99)) return null;
      if (code === undefined) return refuse(usual, { why, ...(text === undefined ? {} : { text }) });
      return { ...refusalFrom(code, (text ?? 'Message refused').split(/\r?\n/)), why };
    }
    default:
      return null;
  }
}

const NAME = /^[!-9;-~]{1,100}$/;

function fieldsOf(given: unknown): readonly Field[] | null {
  if (given === undefined) return [];
  if (!Array.isArray(given)) return null;
  const fields: Field[] = [];
  for (const one of given as readonly unknown[]) {
    if (!Array.isArray(one)) return null;
    const [name, value] = one as readonly unknown[];
    if (typeof name !== 'string' || typeof value !== 'string' || !NAME.test(name)) return null;
    fields.push({ name, value });
  }
  return fields;
}

/** Most of one name that are taken out. */
const REPEATED = 10;

function changesOf(given: unknown): readonly Change[] | null {
  if (given === undefined) return [];
  if (!isRecord(given)) return null;
  const changes: Change[] = [];
  for (const [name, value] of Object.entries(given)) {
    if (!NAME.test(name) || (value !== null && typeof value !== 'string')) return null;
    if (value !== null) changes.push({ kind: 'field', name, nth: 1, value });
    else for (let n = 0; n < REPEATED; n++) changes.push({ kind: 'field', name, nth: 1, value: null });
  }
  return changes;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
