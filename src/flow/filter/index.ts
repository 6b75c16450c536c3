/**
 * Content filters: programs of Courier's socket protocol, which are also started and kept running here; those that are
 * built in; rspamd, spamd, clamd and milters; and ES modules in workers. Takes a plan (which ones, for whose mail) and
 * gives core's Filtering, which the intake asks after the content is whole and before anything is queued. A filter that
 * is not there never becomes a refusal for good.
 */
export { openFilters, type Filters, type FiltersOptions, type FilterPlan } from './filters.ts';
export { createCallback } from './callback.ts';
export type { Verified } from './verification.ts';
