/**
 * HTML by template: everything put in is escaped, except what html`` itself made. Text comes from strangers, so
 * characters that are not seen, or that turn the text around them, become visible.
 */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type HtmlPart = string | number | Html | null | undefined | false | readonly HtmlPart[];

export function html(strings: TemplateStringsArray, ...parts: readonly HtmlPart[]): Html {
  let text = strings[0] as string;
  for (let at = 0; at < parts.length; at++) text += textOf(parts[at]) + (strings[at + 1] as string);
  return new Html(text);
}

function textOf(part: HtmlPart): string {
  if (part === null || part === undefined || part === false) return '';
  if (typeof part === 'string') return escapeHtml(part);
  if (typeof part === 'number') return String(part);
  return part instanceof Html ? part.text : part.map(textOf).join('');
}

const SPECIAL = /[&<>"'`]/g;
const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;', '`': '&#96;' };
/** Controls but tab and line end, lone surrogates, and what overrides the direction of text. */
const UNSEEN = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]|\p{Surrogate}/gu;

export function escapeHtml(text: string): string {
  return text.replaceAll(UNSEEN, '\ufffd').replaceAll(SPECIAL, char => ENTITIES[char] as string);
}
