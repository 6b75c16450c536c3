/** rspamd by its HTTP protocol (/checkv2): its own action is obeyed unless the line in contentfilters says scores. */
import { readFile } from 'node:fs/promises';
import type { Change, Field, Filter, FilterAnswer, Inspected, Looked } from '../../core/policy.ts';
import { refuse } from '../../core/status.ts';
import type { ContentFilter } from '../../grammar/config/content-filters.ts';
import { formatEndpoint } from '../../grammar/config/endpoint.ts';
import type { HttpClient } from '../../kit/net/http-client.ts';
import { forAll, judgeScore, taggedSubject, withoutForeign, wholeOf } from './scores.ts';

const ANSWER_OCTETS = 4 * 1024 * 1024;

export function createRspamd(rule: ContentFilter, http: Pick<HttpClient, 'request'>): Filter {
  const { name, place, whenAbsent, timeoutMs, passwordFile } = rule;
  if (place.kind !== 'tcp') throw new Error('rspamd is spoken to over TCP');
  const url = `http://${formatEndpoint(place.endpoint)}/checkv2`;
  return {
    name,
    whenAbsent,
    async inspect(message, signal) {
      // With its length, so that large mail is neither held nor sent in chunks.
      const length = { 'content-length': String(message.trace.length + message.facts.sizeOctets) };
      const answer = await http.request({ method: 'POST', url, headers: { ...(await headersOf(message, passwordFile)), ...length }, body: wholeOf(message), timeoutMs, limitOctets: ANSWER_OCTETS, signal });
      if (answer.kind !== 'answer') return { kind: 'absent', why: `${answer.kind}: ${answer.why}` };
      if (answer.status !== 200) return { kind: 'absent', why: `rspamd answered ${answer.status}` };
      const read = parseRspamd(answer.body.toString('utf8'));
      return read === null ? { kind: 'absent', why: 'what rspamd answered cannot be read' } : obey(message, rule, read);
    },
  };
}

async function headersOf({ id, origin, reversePath, recipients }: Inspected, passwordFile: string | undefined): Promise<Readonly<Record<string, string>>> {
  const headers: Record<string, string> = { 'queue-id': id, from: reversePath ?? '', pass: 'all' };
  const [first] = recipients.values();
  // One is what its settings by recipient look at; the message names the others.
  if (first !== undefined) headers['rcpt'] = first;
  if (origin.remoteAddress !== undefined) headers['ip'] = origin.remoteAddress;
  if (origin.remoteName !== undefined) headers['hostname'] = origin.remoteName;
  if (origin.helo !== undefined) headers['helo'] = origin.helo;
  if (origin.login !== undefined) headers['user'] = origin.login;
  if (origin.tls !== undefined) headers['tls-cipher'] = origin.tls.cipher;
  if (passwordFile !== undefined) headers['password'] = (await readFile(passwordFile, 'utf8')).trim();
  // A header of HTTP is Latin-1 without controls; what is not is left out rather than mangled.
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => /^[\t -~\u00a0-\u00ff]*$/.test(value)));
}

export interface RspamdAnswer {
  readonly action: string;
  readonly score: number;
  readonly required: number;
  readonly symbols: readonly string[];
  readonly subject?: string;
  readonly text?: string;
  readonly addFields: readonly Field[];
  readonly removeFields: readonly string[];
}

/** Null when it is not the answer of /checkv2. */
export function parseRspamd(text: string): RspamdAnswer | null {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(read)) return null;
  const { action, score, required_score: required, symbols, subject, messages, milter } = read;
  if (typeof action !== 'string' || typeof score !== 'number') return null;
  const said = isRecord(messages) ? messages['smtp_message'] : undefined;
  const headers = isRecord(milter) ? milter : {};
  const signature = read['dkim-signature'];
  return {
    action, score,
    required: typeof required === 'number' ? required : 0,
    symbols: isRecord(symbols) ? Object.keys(symbols).filter(symbol => /^[\w.-]+$/.test(symbol)) : [],
    ...(typeof subject === 'string' ? { subject } : {}), ...(typeof said === 'string' ? { text: said } : {}),
    addFields: [...texts(signature).map(value => ({ name: 'DKIM-Signature', value })), ...addedFields(headers['add_headers'])],
    removeFields: isRecord(headers['remove_headers']) ? Object.keys(headers['remove_headers']).filter(isFieldName) : [],
  };
}

/** A value, `{ value, order }`, or a list of either. */
function addedFields(given: unknown): readonly Field[] {
  if (!isRecord(given)) return [];
  return Object.entries(given).filter(([name]) => isFieldName(name)).flatMap(([name, value]) => (Array.isArray(value) ? value as readonly unknown[] : [value]).flatMap(one => texts(isRecord(one) ? one['value'] : one)).map(text => ({ name, value: text })));
}

function texts(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? (value as readonly unknown[]).filter(one => typeof one === 'string') : [];
}

async function obey(message: Inspected, rule: ContentFilter, { action, score, required, symbols, subject, text, addFields, removeFields }: RspamdAnswer): Promise<FilterAnswer> {
  const { name, scores, subjectTag, fields } = rule;
  const removals = removeFields.map((field): Change => ({ kind: 'field', name: field, nth: 1, value: null }));
  const own = { filter: name, score, threshold: required, tests: symbols, actions: scores, subjectTag, fields };
  if (Object.keys(scores).length > 0) {
    const judged = await judgeScore(message, own);
    return { ...judged, addFields: [...judged.addFields, ...addFields], changes: [...removals, ...(judged.changes ?? [])] };
  }
  const why = `${name}: ${action}, score ${score}`;
  switch (action) {
    case 'reject':
      return looked({ verdicts: forAll(message, refuse('contentRefused', { text: text ?? 'Message refused as spam', why })) });
    case 'soft reject':
    case 'greylist':
      return looked({ verdicts: forAll(message, refuse('contentDeferred', { ...(text === undefined ? {} : { text }), why })) });
    case 'quarantine':
      return looked({ verdicts: forAll(message, { kind: 'quarantine', why }), addFields, changes: removals });
    case 'discard':
      // Mail that we say yes to never vanishes.
      return looked({ verdicts: forAll(message, { kind: 'quarantine', why }) });
    case 'no action':
    case 'add header':
    case 'rewrite subject': {
      const flagged = action !== 'no action';
      const status: Field[] = fields ? [{ name: 'X-Spam-Status', value: `${flagged ? 'Yes' : 'No'}, score=${score} required=${required}` }, ...(flagged ? [{ name: 'X-Spam-Flag', value: 'YES' }] : [])] : [];
      const changes = [...removals, ...(fields ? withoutForeign(['X-Spam-Flag', 'X-Spam-Status']) : [])];
      if (action === 'rewrite subject') changes.push(...(subject === undefined ? await taggedSubject(message, subjectTag) : [{ kind: 'field', name: 'Subject', nth: 1, value: subject } as const]));
      return looked({ addFields: [...status, ...addFields], changes });
    }
    default:
      // An action of the operator's own making: nothing here says what it should do.
      return looked({ addFields, changes: removals });
  }
}

function looked(own: Partial<Looked>): Looked {
  return { kind: 'looked', verdicts: new Map(), addFields: [], ...own };
}

function isFieldName(name: string): boolean {
  return /^[!-9;-~]{1,100}$/.test(name);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
