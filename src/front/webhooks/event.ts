/** The log's events as hooks get them: fixed names, documented in docs/webhooks.md; what the log says besides is its own. */
import type { LogFields } from '../../core/log.ts';

export type EventKind = 'accepted' | 'delivered' | 'deferred' | 'failed' | 'fax' | 'alarm';

export interface ReadEvent {
  /** Every kind that this is: a fax that failed is two. */
  readonly kinds: readonly EventKind[];
  readonly type: Exclude<EventKind, 'fax'> | 'fax-call' | 'fax-in' | 'fax-modem';
  readonly fields: Readonly<Record<string, unknown>>;
  /** Somebody should know soon, and there are few of them: written down before the queue notes the outcome. */
  readonly urgent: boolean;
}

const OUTCOMES: Readonly<Record<string, 'delivered' | 'deferred' | 'failed'>> = { success: 'delivered', deferred: 'deferred', failure: 'failed' };

/** Null: no event of ours. */
export function readEvent(event: string, fields: LogFields): ReadEvent | null {
  switch (event) {
    case 'newmsg':
      return accepted(fields);
    case 'delivery':
      return attempted(fields);
    case 'alarm':
      return { kinds: ['alarm'], type: 'alarm', urgent: true, fields: { alarm: fields['alarm'], state: fields['state'], value: fields['value'], limit: fields['limit'], text: fields['text'] } };
    case 'uucp-silent':
      return { kinds: ['alarm'], type: 'alarm', urgent: true, fields: { alarm: 'uucp', state: 'raised', text: fields['trouble'] } };
    case 'fax-call':
    case 'fax-in':
      return { kinds: ['fax'], type: event, urgent: true, fields };
    case 'fax-modem':
      return modem(fields);
    default:
      return null;
  }
}

/** One that is in use is no news: somebody telephones. */
function modem(fields: LogFields): ReadEvent | null {
  const { modem, kind, why } = fields;
  if (kind === 'in-use' || kind === 'aborted') return null;
  return { kinds: ['fax', 'alarm'], type: 'fax-modem', urgent: true, fields: { modem, state: kind, why } };
}

function accepted({ id, from, recipients, size, source, relay, auth }: LogFields): ReadEvent {
  return {
    kinds: source === 'fax' ? ['accepted', 'fax'] : ['accepted'], type: 'accepted', urgent: false,
    fields: { message: id, sender: from, recipients, sizeOctets: size, source, client: relay, login: auth },
  };
}

function attempted(fields: LogFields): ReadEvent | null {
  const type = OUTCOMES[String(fields['status'])];
  if (type === undefined) return null;
  const { id, from, addr, size, module, host, attempt, code, kind, relay, text, blame, uncertain } = fields;
  return {
    kinds: module === 'fax' ? [type, 'fax'] : [type], type, urgent: type !== 'delivered',
    fields: {
      message: id, sender: from, recipient: addr, sizeOctets: size, transport: module, nexthop: host, attempt, status: code,
      outcome: kind, peer: relay, said: text, blame, uncertain,
    },
  };
}
