/** The log's last lines, newest first. */
import { html, type Html } from '../../../kit/html.ts';
import { eventName, formatFields, textOf } from '../events.ts';
import { formatTime } from '../figures.ts';
import type { LoggedLine, Page } from '../view.ts';

const SHOWN = 200;
const LEVELS = { info: ['info', 'warn', 'error'], warn: ['warn', 'error'], error: ['error'] } as const;

export const log: Page = {
  path: 'log',
  name: 'Log',
  refresh: 5,
  draw({ path, query }, view) {
    if (path.length > 1) return null;
    const level = query.get('level') === 'error' ? 'error' : query.get('level') === 'warn' ? 'warn' : 'info';
    const text = (query.get('q') ?? '').trim();
    const lines = view.lines().toReversed().filter(line => (LEVELS[level] as readonly string[]).includes(line.level) && (text === '' || matches(line, text.toLowerCase()))).slice(0, SHOWN);
    return {
      title: 'Log',
      main: html`<form action="/log" method="get" role="search" class="filter">
<label>Find <input type="search" name="q" value="${text}" maxlength="200" autocomplete="off" spellcheck="false"></label>
<label>Level <select name="level">${Object.keys(LEVELS).map(one => html`<option value="${one}"${one === level ? html` selected` : null}>${one === 'info' ? 'everything' : one === 'warn' ? 'warnings and errors' : 'errors'}</option>`)}</select></label>
<button type="submit">Find</button>
</form>
${lines.length === 0 ? html`<p class="empty">No such line.</p>` : html`<table class="log">
<caption class="sr">The last lines of the log, newest first</caption>
<thead class="sr"><tr><th scope="col">Time</th><th scope="col">Level</th><th scope="col">Event</th><th scope="col">Fields</th></tr></thead>
<tbody>
${lines.map(row)}</tbody></table>
<p class="quiet">The last ${lines.length} of those remembered; the log itself has all.</p>`}`,
    };
  },
};

function matches({ event, fields }: LoggedLine, text: string): boolean {
  return event.toLowerCase().includes(text) || Object.values(fields).some(value => value !== undefined && textOf(value).toLowerCase().includes(text));
}

function row({ at, level, event, fields }: LoggedLine): Html {
  return html`<tr class="level-${level}"><td><time datetime="${new Date(at).toISOString()}">${formatTime(at)}</time></td><td><span class="level">${level}</span></td><td>${eventName(event, fields)}</td><td>${formatFields(fields, ['status', 'kind'])}</td></tr>
`;
}
