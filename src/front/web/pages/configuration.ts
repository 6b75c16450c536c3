/** What is in force and where it comes from. Never a secret: the configuration itself leaves them out. */
import { html } from '../../../kit/html.ts';
import { formatTime } from '../figures.ts';
import type { Page } from '../view.ts';

export const configuration: Page = {
  path: 'configuration',
  name: 'Configuration',
  draw({ path }, view) {
    if (path.length > 1) return null;
    const { folder, stateFolder, settings, notices } = view.configuration();
    return {
      title: 'Configuration',
      main: html`<section><h2>This gateway</h2>
<dl class="facts">
<div><dt>Name</dt><dd><bdi>${view.me()}</bdi></dd></div>
<div><dt>Version</dt><dd>${view.version}, Node ${process.versions.node}</dd></div>
<div><dt>Running since</dt><dd>${formatTime(view.startedAt)}, process ${process.pid}</dd></div>
<div><dt>Configuration</dt><dd><bdi>${folder}</bdi></dd></div>
<div><dt>State</dt><dd><bdi>${stateFolder}</bdi></dd></div>
${view.listeners().map(({ kind, host, port }) => html`<div><dt>Listens: ${kind}</dt><dd>${host}, port ${port}</dd></div>
`)}</dl></section>
${notices.length === 0 ? null : html`<section><h2>Worth knowing</h2><ul>${notices.map(({ file, what }) => html`<li><bdi class="file">${file}</bdi>: <bdi>${what}</bdi></li>`)}</ul></section>
`}<section><h2>Settings</h2>
<p class="quiet">Change them in the files, then <code>posthorn restart</code>; a wrong file changes nothing.</p>
<table class="cards">
<thead><tr><th scope="col">Setting</th><th scope="col">Value</th><th scope="col">From</th></tr></thead>
<tbody>
${[...settings].sort((a, b) => (a.name < b.name ? -1 : 1)).map(({ name, value, source }) => html`<tr><th scope="row"><bdi>${name}</bdi></th><td data-name="Value"><bdi>${value === '' ? '–' : value}</bdi></td><td data-name="From"><span class="${source === 'default' ? 'quiet' : 'file'}"><bdi>${source}</bdi></span></td></tr>
`)}</tbody></table></section>`,
    };
  },
};
