/** Printers and their like: what each sent last, and what it did wrong. */
import { html, type Html } from '../../../kit/html.ts';
import { formatCount, when } from '../figures.ts';
import { pathTo } from '../links.ts';
import type { DeviceReport, DeviceStanding } from '../../../core/operations.ts';
import type { Page } from '../view.ts';

const SHOWN = 200;

export const devices: Page = {
  path: 'devices',
  name: 'Devices',
  shown: view => view.devices().devices.length > 0,
  refresh: 10,
  draw({ path }, view) {
    if (path.length > 1) return null;
    const report = view.devices();
    return { title: 'Devices', main: html`${table(report, view.now())}\n${strangers(report, view.now())}` };
  },
};

function table({ devices: all }: DeviceReport, now: number): Html {
  return html`<section><h2>What they sent</h2>
${all.length === 0 ? html`<p class="empty">The file devices names none.</p>` : html`<table class="cards">
<thead><tr><th scope="col">Device</th><th scope="col">Messages</th><th scope="col">Last seen</th><th scope="col">Last mail</th><th scope="col">Last errors</th></tr></thead>
<tbody>
${all.slice(0, SHOWN).map(one => html`<tr>
<th scope="row"><bdi>${one.name}</bdi> <span class="quiet">${one.networks.join(', ')}</span></th>
<td data-name="Messages">${formatCount(one.messages)} <span class="quiet">${spent(one)}</span></td>
<td data-name="Last seen">${one.lastSeen === null ? 'never' : html`${when(one.lastSeen.at, now)} <span class="quiet"><bdi>${one.lastSeen.address} ${one.lastSeen.helo}</bdi>, ${one.lastSeen.helo === '' ? 'connected only' : (one.lastSeen.tls ?? 'without TLS')}</span>`}</td>
<td data-name="Last mail">${lastMail(one, now)}</td>
<td data-name="Last errors">${one.errors.length === 0 ? '–' : one.errors.slice(0, 3).map(({ at, what, times }) => html`<div><span class="said"><bdi>${what}</bdi></span> ${times > 1 ? `${formatCount(times)} times, ` : ''}${when(at, now)}</div>`)}</td>
</tr>
`)}</tbody></table>
${all.length > SHOWN ? html`<p class="quiet">and ${formatCount(all.length - SHOWN)} more</p>` : null}`}</section>`;
}

function lastMail({ lastMail: mail }: DeviceStanding, now: number): Html | string {
  if (mail === null) return '–';
  const { outcome } = mail;
  return html`${when(mail.at, now)} <a href="${pathTo(['message', mail.id])}">${mail.id}</a> to <bdi>${mail.to}</bdi>${mail.recipients > 1 ? ` and ${mail.recipients - 1} more` : ''} ${outcome === null ? html`<span class="quiet">waits</span>` : html`<span class="badge ${outcome.kind}">${outcome.kind}</span> <span class="said"><bdi>${outcome.said}</bdi></span>`}`;
}

function spent({ hour, day }: DeviceStanding): string {
  return [hour.limit > 0 ? `${hour.messages} of ${hour.limit} this hour` : '', day.limit > 0 ? `${day.messages} of ${day.limit} today` : ''].filter(text => text !== '').join(', ');
}

function strangers({ strangers: all }: DeviceReport, now: number): Html | null {
  return all.length === 0 ? null : html`<section><h2>Turned away</h2>
<p class="quiet">These addresses are no device's. Is one of them a device that got a new address?</p>
<table class="cards">
<thead><tr><th scope="col">Address</th><th scope="col">Times</th><th scope="col">Last</th></tr></thead>
<tbody>
${all.map(({ address, times, at }) => html`<tr>
<th scope="row"><bdi>${address}</bdi></th>
<td data-name="Times" class="number">${formatCount(times)}</td>
<td data-name="Last">${when(at, now)}</td>
</tr>
`)}</tbody></table></section>`;
}
