/** Where mail waits for, and how it goes with each next hop. */
import { html, type Html } from '../../../kit/html.ts';
import { wordsOf } from '../answers.ts';
import { formatCount, when } from '../figures.ts';
import { pathTo } from '../links.ts';
import type { Survey } from '../survey.ts';
import type { LinkView } from '../../../core/links.ts';
import type { NexthopView } from '../../../core/operations.ts';
import type { NextHopTraffic } from '../traffic.ts';
import type { Page, View } from '../view.ts';

const SHOWN = 100;

export const nextHops: Page = {
  path: 'next-hops',
  name: 'Next hops',
  refresh: 10,
  async draw({ path }, view) {
    if (path.length > 1) return null;
    const survey = await view.survey();
    return { title: 'Next hops', main: html`${backlog(survey, view)}\n${lanes(view.lanes(), view)}\n${ways(view.links(), view)}\n${traffic(view.traffic.nextHops(), view)}` };
  },
};

function backlog({ looked, whole, domains }: Survey, view: View): Html {
  const now = view.now();
  return html`<section><h2>What waits, by domain</h2>
${domains.length === 0 ? html`<p class="empty">Nothing waits.</p>` : html`${whole ? null : html`<p class="quiet">The first ${formatCount(looked)} messages were looked at; there are more.</p>`}
<table class="cards">
<thead><tr><th scope="col">Domain</th><th scope="col">Recipients</th><th scope="col">Oldest</th><th scope="col">Next attempt</th><th scope="col">Last answer</th></tr></thead>
<tbody>
${domains.slice(0, SHOWN).map(({ domain, recipients, oldestAt, nextAt, said }) => html`<tr>
<th scope="row"><a href="${pathTo(['queue'], { q: `@${domain}` })}"><bdi>${domain}</bdi></a></th>
<td data-name="Recipients" class="number">${formatCount(recipients)}</td>
<td data-name="Oldest">${when(oldestAt, now)}</td>
<td data-name="Next attempt">${nextAt === null ? '–' : when(nextAt, now)}</td>
<td data-name="Last answer"><span class="said"><bdi>${said ?? '–'}</bdi></span></td>
</tr>
`)}</tbody></table>
${domains.length > SHOWN ? html`<p class="quiet">and ${formatCount(domains.length - SHOWN)} more domains</p>` : null}`}</section>`;
}

function lanes(all: readonly NexthopView[], view: View): Html {
  const now = view.now();
  return html`<section><h2>Under way</h2>
${all.length === 0 ? html`<p class="empty">Nothing is under way, and no next hop is in trouble.</p>` : html`<table class="cards">
<thead><tr><th scope="col">Next hop</th><th scope="col">Deliveries</th><th scope="col">Trouble</th></tr></thead>
<tbody>
${all.slice(0, SHOWN).map(({ transport, nexthop, active, waiting, width, closedUntil, trouble }) => html`<tr>
<th scope="row"><bdi>${nexthop}</bdi> <span class="quiet">${transport}</span></th>
<td data-name="Deliveries">${formatCount(active)} under way, ${formatCount(waiting)} wait <span class="quiet">at most ${formatCount(width)} at once</span></td>
<td data-name="Trouble">${closedUntil === undefined ? null : html`<span class="badge deferred">left alone until</span> ${when(closedUntil, now)} `}<span class="said"><bdi>${trouble ?? (closedUntil === undefined ? '–' : '')}</bdi></span></td>
</tr>
`)}</tbody></table>
${all.length > SHOWN ? html`<p class="quiet">and ${formatCount(all.length - SHOWN)} more</p>` : null}`}</section>`;
}

/** Nothing, where every way is always there. */
function ways(all: readonly LinkView[], view: View): Html | null {
  const now = view.now();
  if (all.length === 0) return null;
  return html`<section><h2>Links</h2>
<table class="cards">
<thead><tr><th scope="col">Link</th><th scope="col">State</th><th scope="col">By</th></tr></thead>
<tbody>
${all.map(({ name, state, since, by, until, why }) => html`<tr>
<th scope="row"><bdi>${name}</bdi></th>
<td data-name="State"><span class="badge ${state === 'up' ? 'delivered' : 'deferred'}">${state}</span> ${when(since, now)}${until === undefined ? null : html` <span class="quiet">until</span> ${when(until, now)}`}</td>
<td data-name="By">${by}${why === undefined ? null : html` <span class="said"><bdi>${why}</bdi></span>`}</td>
</tr>
`)}</tbody></table></section>`;
}

function traffic(hops: readonly NextHopTraffic[], view: View): Html {
  const now = view.now();
  return html`<section><h2>Traffic, by next hop</h2>
${hops.length === 0 ? html`<p class="empty">Nothing has been sent yet.</p>` : html`<p class="quiet">Recipients since the gateway started, or since a next hop was last forgotten.</p>
<table class="cards">
<thead><tr><th scope="col">Next hop</th><th scope="col">Delivered</th><th scope="col">Deferred</th><th scope="col">Failed</th><th scope="col">Last</th><th scope="col">Last trouble</th></tr></thead>
<tbody>
${hops.slice(0, SHOWN).map(({ transport, nexthop, delivered, deferred, failed, lastAt, last, trouble }) => html`<tr>
<th scope="row"><bdi>${nexthop}</bdi> <span class="quiet">${transport}</span></th>
<td data-name="Delivered" class="number">${formatCount(delivered)}</td>
<td data-name="Deferred" class="number">${formatCount(deferred)}</td>
<td data-name="Failed" class="number">${formatCount(failed)}</td>
<td data-name="Last"><span class="badge ${last}">${last}</span> ${when(lastAt, now)}</td>
<td data-name="Last trouble">${trouble === undefined ? '–' : html`<span class="said"><bdi>${wordsOf(trouble.code, trouble.text)}</bdi></span> ${when(trouble.at, now)}`}</td>
</tr>
`)}</tbody></table>
${hops.length > SHOWN ? html`<p class="quiet">and ${formatCount(hops.length - SHOWN)} more</p>` : null}`}</section>`;
}
