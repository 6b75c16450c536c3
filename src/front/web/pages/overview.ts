/** How the box is, at a glance. */
import { html, type Html, type HtmlPart } from '../../../kit/html.ts';
import { formatCount, formatOctets, formatRate, formatSpan } from '../figures.ts';
import type { Series } from '../history.ts';
import { formatPlot } from '../plot.ts';
import type { Page } from '../view.ts';

const MINUTE = 60;
const MIB = 1024 * 1024;
/** A box below this has an idle plot, not a dramatic one. */
const LEAST_RATE = 1;
const LEAST_MS = 100;
const LEAST_MESSAGES = 10;

export const overview: Page = {
  path: '',
  name: 'Overview',
  refresh: 5,
  async draw({ path }, view) {
    if (path.length > 0) return null;
    const { messages, claimed, quarantined, oldestAcceptedAt, freeOctets } = await view.queue.summary();
    const troubles = view.troubles();
    const now = view.now();
    const { history } = view;
    return {
      title: 'Overview',
      main: html`${state(troubles, now - view.startedAt)}${view.alarms().map(alarm => html`
<p class="state warn"><b>Look here:</b> ${alarm}.</p>`)}
<dl class="tiles">
${tile('Accepted', formatRate(history.average('accepted', MINUTE)), 'last minute')}
${tile('Delivered', formatRate(history.average('delivered', MINUTE)), 'last minute')}
${tile('Deferred', formatRate(history.average('deferred', MINUTE)), 'last minute')}
${tile('Failed', formatRate(history.average('failed', MINUTE)), 'last minute')}
${tile('Volume', `${formatOctets(history.average('octets', MINUTE))}/s`, 'accepted, last minute')}
${tile('In the queue', formatCount(messages), html`<a href="/queue">${formatCount(claimed)} being delivered</a>`)}
${tile('Oldest', oldestAcceptedAt === null ? '–' : formatSpan(now - oldestAcceptedAt), oldestAcceptedAt === null ? 'nothing waits' : 'since accepted')}
${tile('Quarantine', formatCount(quarantined), quarantined === 0 ? 'all is whole' : html`<a href="/queue?state=quarantined">look at them</a>`)}
${tile('Memory', formatOctets(process.memoryUsage.rss()), 'resident')}
${tile('Room for mail', formatOctets(freeOctets), 'free for it')}
</dl>
${plots('The last five minutes', view.history.minutes)}
${plots('The last day', view.history.day)}`,
    };
  },
};

function state(troubles: readonly string[], uptimeMs: number): Html {
  if (troubles.length === 0) return html`<p class="state good" role="status"><b>It is well.</b> Running for ${formatSpan(uptimeMs)}.</p>`;
  return html`<div class="state bad" role="status"><p><b>Troubled.</b> Running for ${formatSpan(uptimeMs)}.</p><ul>${troubles.map(trouble => html`<li>${trouble}</li>`)}</ul></div>`;
}

function tile(name: string, value: string, note: HtmlPart): Html {
  return html`<div class="tile"><dt>${name}</dt><dd><span class="value">${value}</span> <span class="quiet">${note}</span></dd></div>`;
}

function plots(title: string, series: Series): Html {
  return html`<section class="plots"><h2>${title}</h2>
<div class="plot-row">
${formatPlot({
  title: 'Messages', series, format: formatRate, least: LEAST_RATE,
  lines: [{ measure: 'accepted', name: 'accepted', colour: 'a' }, { measure: 'delivered', name: 'delivered', colour: 'b' }, { measure: 'deferred', name: 'deferred', colour: 'c' }, { measure: 'failed', name: 'failed', colour: 'd' }],
})}
${formatPlot({
  title: 'From accepted to done', series, format: formatSpan, least: LEAST_MS,
  lines: [{ measure: 'median', name: 'median', colour: 'a' }, { measure: 'slow', name: '95 of 100 within', colour: 'c' }],
})}
${formatPlot({ title: 'In the queue', series, format: formatCount, least: LEAST_MESSAGES, lines: [{ measure: 'queued', name: 'messages', colour: 'a' }] })}
${formatPlot({ title: 'Memory', series, format: formatOctets, least: 128 * MIB, unit: MIB, lines: [{ measure: 'resident', name: 'resident', colour: 'a' }] })}
</div></section>`;
}

