/** One message: its envelope, each recipient with the last answer, when it is tried again, and what has happened to it. */
import type { MessageId } from '../../../core/envelope.ts';
import type { Outcome } from '../../../core/outcome.ts';
import type { QueueEntry, RecipientState } from '../../../core/queue-store.ts';
import { html, type Html, type HtmlPart } from '../../../kit/html.ts';
import { answerOf } from '../answers.ts';
import { eventName, formatFields } from '../events.ts';
import { formatOctets, formatTime, when } from '../figures.ts';
import { MESSAGE_ID } from '../links.ts';
import type { Page, View } from '../view.ts';

/** The page itself says them. */
const TOLD_ALREADY = ['id', 'from', 'size', 'status', 'kind'];
/** A list of thousands is for the command line. */
const RECIPIENTS_SHOWN = 500;

export const message: Page = {
  path: 'message',
  refresh: 10,
  draw({ path }, view) {
    const [, id = ''] = path;
    if (path.length !== 2 || !MESSAGE_ID.test(id)) return null;
    const entry = view.queue.get(id as MessageId);
    const events = view.recent(id);
    const title = `Message ${id}`;
    if (entry === null && events.length === 0) {
      return { title, under: 'queue', status: 404, main: html`<p class="empty">It is not in the queue, and nothing is remembered of it. The log may have more.</p>` };
    }
    const now = view.now();
    return {
      title, under: 'queue',
      main: html`${entry === null ? html`<p class="state good">It has left the queue.</p>` : inQueue(entry, now)}
${history(events)}`,
    };
  },
};

function inQueue({ message, state, due, why, judged }: QueueEntry, now: number): Html {
  const { recipients } = message;
  return html`${whatNext({ state, due, why, judged, attempts: message.attempts, cancelled: message.cancelled?.reason }, now)}
<section><h2>Envelope</h2>
<dl class="facts">
${envelopeFacts(message, now).filter(([, value]) => value !== null && value !== undefined && value !== '').map(([name, value]) => html`<div><dt>${name}</dt><dd><bdi>${value}</bdi></dd></div>
`)}</dl></section>
<section><h2>Recipients</h2>
<table class="cards">
<thead><tr><th scope="col">Address</th><th scope="col">State</th><th scope="col">Last answer</th></tr></thead>
<tbody>
${recipients.slice(0, RECIPIENTS_SHOWN).map(recipient => recipientRow(recipient, now))}</tbody>
</table>
${recipients.length > RECIPIENTS_SHOWN ? html`<p class="quiet">and ${recipients.length - RECIPIENTS_SHOWN} more</p>` : null}</section>`;
}

interface Next {
  readonly state: QueueEntry['state'];
  readonly due: number;
  readonly why: string | undefined;
  readonly judged: true | undefined;
  readonly attempts: number;
  readonly cancelled: string | undefined;
}

function whatNext({ state, due, why, judged, attempts, cancelled }: Next, now: number): Html {
  const tried = attempts === 0 ? 'It has not been tried yet.' : `It has been tried ${attempts === 1 ? 'once' : `${attempts} times`}.`;
  const next: HtmlPart = {
    waiting: html`Next attempt: ${when(due, now)}.`,
    claimed: html`It is being delivered now.`,
    held: html`It is held until somebody releases it.`,
    quarantined: judged === true
      ? html`A filter or a policy has set it aside; it is not delivered unless <code>posthorn queue restore</code> lets it go: <bdi>${why}</bdi>`
      : html`It is damaged and set aside, and will not be delivered: <bdi>${why}</bdi>`,
  }[state];
  return html`<p class="state ${state === 'quarantined' ? 'bad' : state === 'held' ? 'warn' : 'good'}">${tried} ${next}${cancelled === undefined ? null : html` Cancelled: <bdi>${cancelled}</bdi>`}</p>`;
}

function envelopeFacts({ id, envelope, facts, trace, acceptedAt, lastAttemptAt, warnedAt }: QueueEntry['message'], now: number): readonly (readonly [string, HtmlPart])[] {
  const { origin } = envelope;
  const from = [origin.remoteName, origin.remoteAddress === undefined ? undefined : `[${origin.remoteAddress}]`, origin.helo === undefined ? undefined : `(${origin.helo})`].filter(Boolean).join(' ');
  return [
    ['Queue id', id],
    ['Sender', envelope.reversePath ?? '<> (a report)'],
    ['Accepted', when(acceptedAt, now)],
    ['Came by', `${origin.source}, ${origin.protocol}`],
    ['Came from', from],
    ['Logged in as', origin.login],
    ['TLS', origin.tls === undefined ? undefined : `${origin.tls.version} ${origin.tls.cipher}`],
    ['Size', formatOctets(facts.sizeOctets + trace.length)],
    ['Content', `${envelope.body.toUpperCase()}${envelope.smtputf8 ? ', international addresses' : ''}${facts.has8bit ? ', with 8-bit octets' : ''}`],
    ['Envelope id', envelope.envid],
    ['Wants back', envelope.ret === undefined ? undefined : envelope.ret === 'full' ? 'the whole message' : 'the header only'],
    ['Last attempt', lastAttemptAt === undefined ? undefined : when(lastAttemptAt, now)],
    ['Sender warned', warnedAt === undefined ? undefined : when(warnedAt, now)],
  ];
}

function recipientRow({ address, original, notify, outcome, outcomeAt, reached, reported, past }: RecipientState, now: number): Html {
  const wishes = notify === undefined ? '' : notify === 'never' ? 'wants no report' : `report on ${notify.join(', ')}`;
  return html`<tr>
<th scope="row"><bdi>${address}</bdi>${original === undefined ? null : html`<br><span class="quiet">asked for as <bdi>${original}</bdi></span>`}${wishes === '' ? null : html`<br><span class="quiet">${wishes}</span>`}</th>
<td data-name="State"><span class="badge ${outcome?.kind ?? 'waiting'}">${outcome?.kind ?? 'not tried'}</span>${reported === true && outcome?.kind === 'failed' ? html`<br><span class="quiet">the sender was told, or none is</span>` : null}</td>
<td data-name="Last answer">${outcome === undefined ? '–' : html`${said(outcome)}<br>${outcomeAt === undefined ? null : when(outcomeAt, now)}`}${reached === undefined ? null : html`<br><span class="quiet">the last that a peer said:</span> ${said(reached)}`}${past === undefined || past.length === 0 ? null : html`
<details><summary>before that</summary><ol class="past">${past.toReversed().map(one => html`<li>${said(one.outcome)}<br>${when(one.lastAt, now)}${one.times === 1 ? null : html` <span class="quiet">${one.times} times since ${formatTime(one.firstAt)}</span>`}</li>`)}</ol></details>`}</td>
</tr>
`;
}

function said(outcome: Outcome): Html {
  return html`<span class="said"><bdi>${answerOf(outcome)}</bdi></span>${outcome.said?.remoteMta === undefined ? null : html` <span class="quiet">said <bdi>${outcome.said.remoteMta}</bdi></span>`}${outcome.kind === 'deferred' && outcome.uncertain === true ? html` <span class="badge deferred">may have arrived</span>` : null}`;
}

function history(events: ReturnType<View['recent']>): Html {
  if (events.length === 0) return html`<section><h2>History</h2><p class="empty">Nothing is remembered since the gateway started; its log has what came before.</p></section>`;
  return html`<section><h2>History</h2>
<ol class="history">
${events.map(({ at, event, fields }) => html`<li><time datetime="${new Date(at).toISOString()}">${formatTime(at)}</time> ${eventName(event, fields)} ${formatFields(fields, TOLD_ALREADY)}</li>
`)}</ol></section>`;
}
