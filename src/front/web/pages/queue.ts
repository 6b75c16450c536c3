/** What is in the queue, oldest first: a page at a time, and a bounded look for what is searched. */
import type { MessageId } from '../../../core/envelope.ts';
import type { QueueEntry } from '../../../core/queue-store.ts';
import { html, type Html } from '../../../kit/html.ts';
import { answerOf } from '../answers.ts';
import { formatCount, formatOctets, when } from '../figures.ts';
import { MESSAGE_ID, pathTo } from '../links.ts';
import type { Page, View } from '../view.ts';

export const ON_A_PAGE = 50;
/** Messages looked at for one answer; then a link goes on from there. */
const LOOK_AT_MOST = 20_000;
const RECIPIENTS_SHOWN = 3;
const STATES = ['waiting', 'claimed', 'held', 'quarantined'] as const;
const STATE_WORDS = { waiting: 'waiting', claimed: 'being delivered', held: 'held', quarantined: 'quarantine' } as const;

type State = (typeof STATES)[number];

interface Wanted {
  readonly state: State | null;
  readonly text: string;
  readonly after: MessageId | null;
}

interface Found {
  readonly entries: readonly QueueEntry[];
  /** Where the next page begins; null: that was all. */
  readonly next: MessageId | null;
  readonly looked: number;
}

export const queue: Page = {
  path: 'queue',
  name: 'Queue',
  refresh: 10,
  async draw({ path, query }, view) {
    if (path.length > 1) return null;
    const state = STATES.find(one => one === query.get('state')) ?? null;
    const wanted: Wanted = { state, text: (query.get('q') ?? '').trim(), after: messageIdOf(query.get('after')) };
    const [{ messages }, found] = [await view.queue.summary(), await find(wanted, view)];
    return { title: 'Queue', main: html`${form(wanted)}\n${list(wanted, found, messages, view)}` };
  },
};

function messageIdOf(text: string | undefined): MessageId | null {
  return text !== undefined && MESSAGE_ID.test(text) ? (text as MessageId) : null;
}

async function find({ state, text, after }: Wanted, view: View): Promise<Found> {
  const entries: QueueEntry[] = [];
  const words = text.toLowerCase();
  let looked = 0;
  let last: MessageId | null = null;
  for await (const entry of view.queue.list('all', after ?? undefined)) {
    // One more than is shown, so that the last page knows that it is.
    if (entries.length === ON_A_PAGE || looked === LOOK_AT_MOST) return { entries, next: last, looked };
    looked++;
    last = entry.message.id;
    if ((state === null || entry.state === state) && (words === '' || matches(entry, words))) entries.push(entry);
  }
  return { entries, next: null, looked };
}

function matches({ message, why }: QueueEntry, words: string): boolean {
  const has = (text: string | null | undefined) => text?.toLowerCase().includes(words) === true;
  return has(message.id) || has(message.envelope.reversePath ?? '<>') || has(why) || message.recipients.some(({ address, outcome }) => has(address) || has(outcome?.said?.text));
}

function form({ state, text }: Wanted): Html {
  return html`<form action="/queue" method="get" role="search" class="filter">
<label>Find <input type="search" name="q" value="${text}" placeholder="address, queue id or answer" maxlength="200" autocomplete="off" spellcheck="false"></label>
<label>State <select name="state"><option value="">all</option>${STATES.map(one => html`<option value="${one}"${one === state ? html` selected` : null}>${STATE_WORDS[one]}</option>`)}</select></label>
<button type="submit">Find</button>
</form>`;
}

function list(wanted: Wanted, { entries, next, looked }: Found, messages: number, view: View): Html {
  const filtered = wanted.state !== null || wanted.text !== '';
  if (entries.length === 0 && next === null) return html`<p class="empty">${filtered ? 'No message is like that.' : messages === 0 || wanted.after === null ? 'The queue is empty.' : 'That was the last message.'}</p>`;
  const now = view.now();
  return html`<p class="quiet">${formatCount(entries.length)} of ${formatCount(messages)} messages, oldest first${next !== null && filtered ? `; looked at ${formatCount(looked)}` : ''}.</p>
<table class="cards">
<thead><tr><th scope="col">Queue id</th><th scope="col">Sender and recipients</th><th scope="col">Size</th><th scope="col">Accepted</th><th scope="col">Next attempt</th></tr></thead>
<tbody>
${entries.map(entry => row(entry, now))}</tbody>
</table>
<nav class="paging" aria-label="More messages">${wanted.after === null ? null : html`<a href="${pathTo(['queue'], { q: wanted.text, state: wanted.state })}">From the start</a> `}${next === null ? null : html`<a rel="next" href="${pathTo(['queue'], { q: wanted.text, state: wanted.state, after: next })}">${entries.length < ON_A_PAGE ? 'Look further' : 'Next page'}</a>`}</nav>`;
}

function row({ message, state, due, why }: QueueEntry, now: number): Html {
  const { id, envelope, recipients, facts, trace, attempts } = message;
  const waiting = recipients.filter(({ outcome }) => outcome === undefined || outcome.kind === 'deferred');
  const shown = (waiting.length > 0 ? waiting : recipients).slice(0, RECIPIENTS_SHOWN);
  const said = waiting.find(({ outcome }) => outcome !== undefined)?.outcome;
  return html`<tr>
<th scope="row"><a class="id" href="${pathTo(['message', id])}">${id}</a></th>
<td><span class="from"><span class="sr">from </span><bdi>${envelope.reversePath ?? '<>'}</bdi></span>${shown.map(({ address }) => html`<br>→ <bdi>${address}</bdi>`)}${recipients.length > shown.length ? html`<br><span class="quiet">and ${recipients.length - shown.length} more</span>` : null}${said === undefined ? null : html`<br><span class="said"><bdi>${answerOf(said)}</bdi></span>`}</td>
<td data-name="Size" class="short">${formatOctets(facts.sizeOctets + trace.length)}</td>
<td data-name="Accepted">${when(message.acceptedAt, now)}</td>
<td data-name="Next attempt">${state === 'waiting' ? when(due, now) : html`<span class="badge ${state}">${STATE_WORDS[state]}</span>`}${why === undefined ? null : html`<br><span class="said"><bdi>${why}</bdi></span>`}<br><span class="quiet">${attempts === 0 ? 'not tried yet' : `${attempts} attempt${attempts === 1 ? '' : 's'}`}</span></td>
</tr>
`;
}
