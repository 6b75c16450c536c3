/**
 * Webhooks: tells others over HTTP what the log tells people. Takes every event of the log, keeps in an EventOutbox what
 * somebody wants, and posts it signed, in order per hook, until it is taken: at least once, with an id to know it again.
 * Never makes mail wait, and nothing at all happens per message where no hook is configured.
 */
export { openWebhooks, type Webhooks, type WebhooksOptions, type WebhookRule } from './webhooks.ts';
