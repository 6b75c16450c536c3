/**
 * Addresses that order their own fate, so that a newcomer sees a deferral and a DSN in the first minutes:
 * deferred@ and 4yz@ are deferred, failed@ and 5yz@ fail, once@ is deferred the first time a message meets it,
 * slow@ takes five seconds. Every other local-part is handed to the transport behind.
 */
import { after, type Clock } from '../../../core/clock.ts';
import type { Outcome } from '../../../core/outcome.ts';
import type { MessageId, RecipientId } from '../../../core/envelope.ts';
import type { Delivery, Transport } from '../../../core/transport.ts';
import { unquotedLocalPart } from '../../../grammar/address.ts';

export interface TrialOptions {
  readonly behind: Transport;
  readonly clock: Clock;
}

const SLOW_MS = 5000;
const REMEMBERED = 1000;

export function createTrialTransport({ behind, clock }: TrialOptions): Transport {
  const met = new Set<MessageId>();
  return {
    name: 'trial',
    limits: behind.limits,
    async deliver(job, signal) {
      const fates = new Map<RecipientId, Outcome>();
      for (const recipient of job.recipients) {
        const word = unquotedLocalPart(recipient.address).toLowerCase();
        if (word === 'slow') await clock.sleepUntil(after(clock.now(), SLOW_MS), signal);
        const fate = word === 'once' ? firstTime(job.id) : fateOf(word);
        if (fate !== null) fates.set(recipient.id, fate);
      }
      const others = job.recipients.filter(recipient => !fates.has(recipient.id));
      if (others.length === 0) return fates;
      const rest: Delivery = { ...job, recipients: others };
      return new Map([...fates, ...(await behind.deliver(rest, signal))]);
    },
    close: () => behind.close(),
  };

  function firstTime(id: MessageId): Outcome | null {
    if (met.has(id)) return null;
    if (met.size >= REMEMBERED) met.clear();
    met.add(id);
    return deferred('451 4.3.0 Not the first time');
  }
}

function fateOf(word: string): Outcome | null {
  if (word === 'deferred') return deferred('451 4.3.0 You asked for a deferral');
  if (word === 'failed') return failed('550 5.1.1 You asked for a failure');
  if (/^4[0-5]\d$/.test(word)) return deferred(`${word} 4.3.0 You asked for ${word}`);
  if (/^5[0-5]\d$/.test(word)) return failed(`${word} 5.3.0 You asked for ${word}`);
  return null;
}

function deferred(text: string): Outcome {
  return { kind: 'deferred', status: '4.3.0', blame: 'recipient', said: { type: 'smtp', text, remoteMta: 'trial' } };
}

function failed(text: string): Outcome {
  return { kind: 'failed', status: '5.1.1', said: { type: 'smtp', text, remoteMta: 'trial' } };
}
