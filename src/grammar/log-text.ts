/**
 * Events as Courier's log has them, for those who grep it and for programs that read it: `newmsg,id=…: …`,
 * `id=…,from=<…>,addr=<…>,status: success`, `completed,id=…`, `error,relay=…: …`. What Courier has no line for is
 * `event,name=value,…: text`.
 */
type Fields = Readonly<Record<string, unknown>>;

/** A line or two, without line ends, and with nothing in them that could look like one. */
export function formatEventText(event: string, fields: Fields): readonly string[] {
  switch (event) {
    case 'newmsg':
      return [`newmsg,id=${textOf(fields['id'])}${named('auth', fields['auth'])}: ${textOf(fields['source'])}; ${textOf(fields['relay'] ?? 'localhost')}, from=<${textOf(fields['from'])}>,size=${textOf(fields['size'])},recipients=${textOf(fields['recipients'])}`];
    case 'delivery':
      return delivery(fields);
    case 'completed':
      return [`completed,id=${textOf(fields['id'])}`];
    case 'error':
      if (fields['reply'] !== undefined) return [refusal(fields)];
      break;
    default:
  }
  const { text, why, what, ...rest } = fields;
  const words = [what, text, why].filter(one => one !== undefined && one !== null).map(textOf).join(': ');
  const pairs = Object.entries(rest).map(([name, value]) => named(name, value)).join('');
  return [`${textOf(event)}${pairs}${words === '' ? '' : `: ${words}`}`];
}

function delivery(fields: Fields): readonly string[] {
  const who = `id=${textOf(fields['id'])},from=<${textOf(fields['from'])}>,addr=<${textOf(fields['addr'])}>`;
  const said = [fields['relay'], fields['text'] ?? fields['code']].filter(one => one !== undefined && one !== null && one !== '').map(textOf).join(': ');
  const success = fields['status'] === 'success' ? `,size=${textOf(fields['size'])},success: ${textOf(fields['kind'])}: ` : ': ';
  return [`${who}${success}${said}`, `${who},status: ${textOf(fields['status'])}`];
}

function refusal(fields: Fields): string {
  const about = ['relay', 'port', 'ident'].map(name => named(name, fields[name])).join('');
  const path = ['from', 'to'].map(name => (fields[name] === undefined ? '' : `,${name}=<${textOf(fields[name])}>`)).join('');
  return `error${about}${path}: ${textOf(fields['reply'])}`;
}

function named(name: string, value: unknown): string {
  return value === undefined || value === null || value === '' ? '' : `,${textOf(name)}=${textOf(value)}`;
}

// C0 and C1 controls, and what Unicode takes for a line end.
const CONTROLS = /[\0-\x1f\x7f-\x9f\u2028\u2029]+/g;

function textOf(value: unknown): string {
  const text = typeof value === 'string' ? value : value instanceof Error ? (value.stack ?? String(value)) : (jsonOf(value) ?? '');
  return text.replaceAll(CONTROLS, ' ').toWellFormed();
}

function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return '(cannot be written)';
  }
}
