/** A header as lines of fields that can be taken out, renamed and added; what is not touched stays to the octet. LF, Latin-1. */
export interface RawField {
  /** Without the colon; '' for a line that is no field, such as mbox's From_ line. */
  readonly name: string;
  /** All its lines, with their ends. */
  readonly text: string;
}

/** `header` with or without the empty line behind it. */
export function parseRawFields(header: string): RawField[] {
  const fields: RawField[] = [];
  for (const line of header.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
    if (line === '\n') break;
    const last = fields.at(-1);
    if (/^[ \t]/.test(line) && last !== undefined) {
      fields[fields.length - 1] = { name: last.name, text: last.text + line };
      continue;
    }
    const colon = /^([!-9;-~]+)[ \t]*:/.exec(line);
    fields.push({ name: colon?.[1] ?? '', text: line });
  }
  return fields;
}

export function formatRawFields(fields: readonly RawField[]): string {
  return fields.map(field => (field.text.endsWith('\n') ? field.text : `${field.text}\n`)).join('');
}

/** On one line, the blanks at each fold as one. */
export function unfolded({ text }: RawField): string {
  return text.replace(/\n$/, '').replaceAll(/\n[ \t]*/g, ' ');
}

export function valueOf(field: RawField): string {
  return unfolded(field).slice(field.name.length).replace(/^[ \t]*:[ \t]*/, '');
}

export function isNamed(field: RawField, name: string): boolean {
  return field.name !== '' && field.name.toLowerCase() === name.toLowerCase();
}

/** The value of the first field of that name, unfolded; null when there is none. */
export function firstValue(fields: readonly RawField[], name: string): string | null {
  const found = fields.find(field => isNamed(field, name));
  return found === undefined ? null : valueOf(found);
}

export type HeaderEdit =
  /** Appended: `missing` when there is none of the name, `rename` after the old ones became `Old-…`, `replace` after they are gone. */
  | { readonly kind: 'add' | 'missing' | 'rename' | 'replace'; readonly name: string; readonly line: string }
  | { readonly kind: 'name'; readonly from: string; readonly to: string }
  | { readonly kind: 'keep'; readonly name: string; readonly which: 'first' | 'last' };

/** `line` is '' where nothing is to be appended. */
export function editFields(fields: readonly RawField[], edit: HeaderEdit): readonly RawField[] {
  switch (edit.kind) {
    case 'name':
      return fields.map(field => (isNamed(field, edit.from) ? { name: edit.to, text: edit.to + field.text.slice(field.name.length) } : field));
    case 'keep': {
      const ours = fields.filter(field => isNamed(field, edit.name));
      const kept = edit.which === 'first' ? ours[0] : ours.at(-1);
      return fields.filter(field => field === kept || !isNamed(field, edit.name));
    }
    case 'add':
      return appended(fields, edit);
    case 'missing':
      return fields.some(field => isNamed(field, edit.name)) ? fields : appended(fields, edit);
    case 'rename':
      return appended(fields.map(field => (isNamed(field, edit.name) ? { name: `Old-${field.name}`, text: `Old-${field.text}` } : field)), edit);
    case 'replace':
      return appended(fields.filter(field => !isNamed(field, edit.name)), edit);
    default:
      return edit satisfies never;
  }
}

function appended(fields: readonly RawField[], { name, line }: { readonly name: string; readonly line: string }): readonly RawField[] {
  return line === '' ? fields : [...fields, { name, text: `${line}\n` }];
}
