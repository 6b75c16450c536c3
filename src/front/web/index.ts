/**
 * The web view: pages for people over what the gateway knows of itself. Read-only; takes narrow views of the queue, the
 * log and the configuration, and gives Pages for the HTTP port. Never shows a secret or the content of a mail, never
 * makes the mail wait: every look is bounded. A page is a file in pages/; what changes things will come as more of them.
 */
export { openWebView, type WebView, type WebViewOptions } from './web-view.ts';
export { createTraffic, type Traffic } from './traffic.ts';
export type { LoggedLine, ShownConfiguration } from './view.ts';
