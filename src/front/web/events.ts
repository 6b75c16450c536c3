/** Fields of an event as people read them. */
import { html, type Html } from '../../kit/html.ts';
import { pathTo } from './links.ts';

const LONGEST = 500;
const STATUSES = new Set(['success', 'deferred', 'failure']);

/** With how it ended, where the event has that. */
export function eventName(event: string, fields: Readonly<Record<string, unknown>>): Html {
  const status = fields['status'];
  return typeof status === 'string' && STATUSES.has(status) ? html`<b class="status-${status}">${event} ${status}</b>` : html`<b>${event}</b>`;
}

export function formatFields(fields: Readonly<Record<string, unknown>>, without: readonly string[] = []): Html {
  return html`<span class="fields">${Object.entries(fields).filter(([name, value]) => value !== undefined && value !== null && value !== '' && !without.includes(name)).map(([name, value]) => html`<span class="field"><span class="quiet">${name}</span> <bdi>${name === 'id' && typeof value === 'string' ? html`<a class="id" href="${pathTo(['message', value])}">${value}</a>` : textOf(value)}</bdi></span> `)}</span>`;
}

export function textOf(value: unknown): string {
  const text = typeof value === 'string' ? value : value instanceof Error ? `${value.name}: ${value.message}` : jsonOf(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '(cannot be shown)';
  }
}
