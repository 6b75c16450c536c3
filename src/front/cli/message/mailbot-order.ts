/** mailbot's options. */
import type { ReplyFormat, ReplyOrder } from '../../../grammar/maildrop/autoreply.ts';
import { Usage, type Context } from '../command.ts';
import { readOptions } from '../getopt.ts';

export interface BotOrder extends Omit<ReplyOrder, 'textFields' | 'text' | 'now' | 'boundary'> {
  readonly textFile?: string;
  readonly mimeFile?: string;
  readonly draft?: string;
  readonly charset: string;
  readonly onlyFor: readonly string[] | null;
  readonly memory?: string;
  readonly days: number;
  readonly show: boolean;
  readonly program: readonly string[];
}

const FORMATS: ReadonlySet<string> = new Set(['reply', 'replyall', 'replydsn', 'replydraft', 'replyfeedback', 'forward', 'forwardatt', 'feedback']);
const TYPES: ReadonlySet<string> = new Set(['abuse', 'fraud', 'other', 'virus']);
/** Long options, and the fields of a feedback report that they fill (RFC 5965 §3). */
const FEEDBACK: Readonly<Record<string, string>> = {
  'original-envelope-id': 'Original-Envelope-Id', 'original-mail-from': 'Original-Mail-From', 'reporting-mta': 'Reporting-MTA', 'source-ip': 'Source-IP', incidents: 'Incidents',
  'authentication-results': 'Authentication-Results', 'original-rcpt-to': 'Original-Rcpt-To', 'reported-domain': 'Reported-Domain',
};

export function readBotOrder(args: readonly string[], environment: Context['environment']): BotOrder {
  const { feedback, rest } = takeFeedback(args);
  const options = readOptions(rest, 't:m:A:f::c:M:T:R:NaeS:F:r:d:D:s:nl:h');
  if (options.has('h')) throw new Usage('--help tells more');
  const dsnAddress = options.value('M');
  const format = options.value('T') ?? (dsnAddress === undefined ? 'reply' : 'replydsn');
  if (!FORMATS.has(format)) throw new Usage(`-T ${format}: reply, replyall, replydsn, replydraft, forward, forwardatt, feedback or replyfeedback`);
  const feedbackType = options.value('R');
  if (feedbackType !== undefined && !TYPES.has(feedbackType)) throw new Usage(`-R ${feedbackType}: abuse, fraud, other or virus`);
  if ((format === 'feedback' || format === 'replyfeedback') && feedbackType === undefined) throw new Usage(`-T ${format} needs -R`);
  if (format === 'replydsn' && dsnAddress === undefined) throw new Usage('-T replydsn needs -M ADDR');
  const draft = options.value('l');
  if ((format === 'replydraft') !== (draft !== undefined)) throw new Usage('-T replydraft and -l MAILDIR go together');
  const days = Number(options.value('D') ?? 1);
  if (!(days >= 0)) throw new Usage('-D DAYS: a number');
  const charset = options.value('c') ?? 'UTF-8';
  if (!/^[\w.:+-]+$/.test(charset)) throw new Usage(`-c ${charset}: the name of a charset`);
  const from = options.value('f');
  const to = from === '' ? (environment['SENDER'] ?? '') : from;
  return {
    format: format as ReplyFormat, charset, days, feedback,
    fields: options.values('A').map(field => line(field, true)), preferErrorsTo: options.has('e'),
    // What a mime file is says itself; quoting into it would break it.
    quote: !options.has('N') && options.value('m') === undefined && draft === undefined,
    attachWhole: options.has('a'), salutation: options.value('S') ?? '%F writes:', marker: options.value('F') ?? '--- Forwarded message ---',
    onlyFor: options.value('r')?.split(',') ?? null, show: options.has('n'), program: options.rest.length === 0 ? ['sendmail', '-f', ''] : options.rest,
    ...given('textFile', options.value('t')), ...given('mimeFile', options.value('m')), ...given('draft', draft), ...given('memory', options.value('d')),
    ...given('subject', options.value('s') === undefined ? undefined : line(options.value('s')!, false)),
    ...given('to', to === undefined ? undefined : line(to, false)), ...given('dsnAddress', dsnAddress === undefined ? undefined : line(dsnAddress, false)), ...given('feedbackType', feedbackType),
  };
}

function given<K extends string>(key: K, value: string | undefined): Partial<Record<K, string>> {
  return value === undefined ? {} : { [key]: value } as Record<K, string>;
}

/** One line of a header, whatever stood in the word. */
function line(written: string, field: boolean): string {
  const octets = field ? Buffer.from(written).toString('latin1') : written;
  if (field && !/^[!-9;-~]+[ \t]*:/.test(octets)) throw new Usage(`-A ${written}: 'FIELD: VALUE'`);
  return octets.replaceAll(/[\r\n\0]+[ \t]*/g, ' ').trim();
}

function takeFeedback(args: readonly string[]): { readonly feedback: readonly string[]; readonly rest: readonly string[] } {
  const feedback: string[] = [];
  const rest: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const found = /^--feedback-([a-z-]+)(?:=([^]*))?$/.exec(args[at]!);
    if (found === null) {
      rest.push(args[at]!);
      continue;
    }
    const name = FEEDBACK[found[1]!];
    const value = found[2] ?? args[++at];
    if (name === undefined || value === undefined) throw new Usage(`${args[at] ?? ''}: no option of a feedback report`);
    feedback.push(`${name}: ${line(value, false)}`);
  }
  return { feedback, rest };
}
