/** The pages and what they are served with; samples the gateway once a second for the plots. */
import { after, type Clock } from '../../core/clock.ts';
import type { PageAnswer, PageRequest, Pages } from '../../core/pages.ts';
import { html, type Html } from '../../kit/html.ts';
import { formatPage } from './frame.ts';
import { createHistory, type History } from './history.ts';
import { icon } from './icon.ts';
import { pathTo } from './links.ts';
import { configuration } from './pages/configuration.ts';
import { devices } from './pages/devices.ts';
import { log } from './pages/log.ts';
import { message } from './pages/message.ts';
import { nextHops } from './pages/next-hops.ts';
import { overview } from './pages/overview.ts';
import { queue } from './pages/queue.ts';
import { refreshScript } from './refresh-script.ts';
import { style } from './style.ts';
import { createSurvey } from './survey.ts';
import type { Traffic } from './traffic.ts';
import type { Drawn, Page, View } from './view.ts';

export interface WebView {
  readonly pages: Pages;
  close(): Promise<void>;
}

export interface WebViewOptions extends Omit<View, 'history' | 'survey' | 'now' | 'traffic'> {
  readonly clock: Clock;
  readonly traffic: Traffic;
}

const SAMPLE_MS = 1000;

/** In the order of the navigation. */
const PAGES: readonly Page[] = [overview, queue, message, nextHops, devices, log, configuration];

const ASSETS: Readonly<Record<string, PageAnswer>> = {
  'style.css': { status: 200, type: 'text/css', body: style },
  'refresh.js': { status: 200, type: 'text/javascript', body: refreshScript },
  'icon.svg': { status: 200, type: 'image/svg+xml', body: icon },
};

export function openWebView(options: WebViewOptions): WebView {
  const { clock } = options;
  const history = createHistory();
  const view: View = { ...options, history, now: () => clock.now(), survey: createSurvey(options.queue, () => clock.now()) };
  const closing = new AbortController();
  const sampling = sample(options, history, closing.signal);
  return {
    pages: {
      async answer(request) {
        const [first = ''] = request.path;
        const asset = request.path.length === 1 && Object.hasOwn(ASSETS, first) ? ASSETS[first] : undefined;
        return asset ?? pageFor(request, view);
      },
    },
    async close() {
      closing.abort();
      await sampling;
    },
  };
}

async function pageFor(request: PageRequest, view: View): Promise<PageAnswer> {
  const page = PAGES.find(one => one.path === (request.path[0] ?? ''));
  const drawn = page === undefined ? null : await page.draw(request, view);
  if (page === undefined || drawn === null) return answer(formatPage({ page: missing, drawn: await missing.draw(request, view) as Drawn, pages: PAGES, refresh: null }, view), 404);
  const running = request.query.get('refresh') !== 'off';
  const toggle = pathTo(request.path, { ...Object.fromEntries(request.query), refresh: running ? 'off' : null });
  return answer(formatPage({ page, drawn, pages: PAGES, refresh: page.refresh === undefined ? null : { seconds: page.refresh, running, toggle } }, view), drawn.status ?? 200);
}

function answer(page: Html, status: number): PageAnswer {
  return { status, type: 'text/html', body: page.text };
}

const missing: Page = {
  path: ' ',
  draw: () => ({ title: 'There is no such page', main: html`<p class="empty">Perhaps it moved. <a href="/">To the overview</a></p>` }),
};

async function sample({ clock, traffic, queue }: WebViewOptions, history: History, signal: AbortSignal): Promise<void> {
  let before = clock.now();
  traffic.take();
  while (!signal.aborted) {
    await clock.sleepUntil(after(before, SAMPLE_MS), signal);
    if (signal.aborted) return;
    const now = clock.now();
    // A clock that was set back gives no elapsed time: then the second we meant to sleep.
    const seconds = now > before ? (now - before) / 1000 : SAMPLE_MS / 1000;
    before = now;
    const { messages } = await queue.summary();
    history.add(now, seconds, traffic.take(), { queued: messages, resident: process.memoryUsage.rss() });
  }
}
