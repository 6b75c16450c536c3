/** Filters that are programs of their own, by the kind that contentfilters names. */
import type { Filter } from '../../core/policy.ts';
import type { ContentFilter } from '../../grammar/config/content-filters.ts';
import type { HttpClient } from '../../kit/net/http-client.ts';
import { createClamd } from './clamd.ts';
import { createMilter } from './milter.ts';
import { createRspamd } from './rspamd.ts';
import { createSpamd } from './spamd.ts';

export interface Means {
  /** Our name, as milters are told it. */
  me(): string;
  readonly http: Pick<HttpClient, 'request'>;
}

export function createClient(rule: ContentFilter, means: Means): Filter {
  const { kind } = rule;
  switch (kind) {
    case 'clamd':
      return createClamd(rule);
    case 'rspamd':
      return createRspamd(rule, means.http);
    case 'spamd':
      return createSpamd(rule);
    case 'milter':
      return createMilter({ ...rule, me: means.me });
    default: {
      const never: never = kind;
      throw new Error(`no such kind ${String(never)}`);
    }
  }
}
