/** What surrounds every page: head, navigation, footer. Nothing from elsewhere, nothing inline; without script the head asks for the refresh. */
import { html, type Html } from '../../kit/html.ts';
import { formatTime } from './figures.ts';
import type { Drawn, Page, View } from './view.ts';

export interface Framed {
  readonly page: Page;
  readonly drawn: Drawn;
  readonly pages: readonly Page[];
  /** Null: this page stands still. */
  readonly refresh: { readonly seconds: number; readonly running: boolean; readonly toggle: string } | null;
}

export function formatPage({ page, drawn, pages, refresh }: Framed, view: View): Html {
  const current = drawn.under ?? page.path;
  const running = refresh?.running === true ? refresh.seconds : null;
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${drawn.title} · ${view.me()} · Posthorn</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/style.css">
${running === null ? null : html`<noscript><meta http-equiv="refresh" content="${running}"></noscript>
<script src="/refresh.js" defer></script>
`}</head>
<body${running === null ? null : html` data-refresh="${running}"`}>
<a class="skip" href="#main">Skip to the content</a>
<header>
<p class="brand"><a href="/">Posthorn</a> <span class="me">${view.me()}</span></p>
<nav aria-label="Pages"><ul>
${pages.filter(one => one.name !== undefined && one.shown?.(view) !== false).map(one => html`<li><a href="/${one.path}"${one.path === current ? html` aria-current="page"` : null}>${one.name}</a></li>
`)}</ul></nav>
</header>
<main id="main" tabindex="-1">
<h1>${drawn.title}</h1>
${drawn.main}
</main>
<footer>
<p>Posthorn ${view.version} · ${formatTime(view.now())}${refresh === null ? null : html` · <a href="${refresh.toggle}">${refresh.running ? `Stop refreshing (every ${refresh.seconds} s)` : 'Refresh by itself'}</a>`}</p>
</footer>
</body>
</html>
`;
}
