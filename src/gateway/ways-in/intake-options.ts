/** What every intake of the gateway's is made with; the rules are asked at each decision. */
import type { Origin } from '../../core/envelope.ts';
import type { Check, Facts } from '../../core/policy.ts';
import { createTrackCheck } from '../../flow/check/index.ts';
import type { IntakeOptions } from '../../flow/intake/index.ts';
import type { LmdbQueue } from '../../flow/queue/index.ts';
import type { RecipientFilters } from '../../service/maildrop/index.ts';
import type { Rooms } from '../opened-queue.ts';
import type { Rules } from '../rules.ts';
import type { Defences } from './defences.ts';
import { createMessageRevisers } from './revisers.ts';

/** RFC 5321 §6.3: at least 100; Courier's is 100. */
const RECEIVED_FIELDS = 100;
/** Courier's; no RFC says how many a message may have. */
const HEADER_FIELDS = 500;

/** Never spread what this gives: its getters are what makes a reload heard. */
export function intakeOptions(rules: () => Rules, rooms: Pick<IntakeOptions, 'clock' | 'log' | 'metrics' | 'filtering'> & Pick<Rooms, 'kernels'> & { readonly store: LmdbQueue; readonly defences?: Defences }, recipients?: RecipientFilters, variables = (origin: Origin) => rules().variables(origin)): IntakeOptions {
  const tracked = createTrackCheck(rooms.store.track, () => rooms.clock.now());
  let asked: { readonly of: Rules; readonly checks: readonly Check[]; readonly limits: IntakeOptions['limits'] } | null = null;
  const byRecipient = ({ configuration }: Rules) => (recipients === undefined || configuration.local.recipientFilter === undefined ? [] : recipients.checks);
  /** Put together once for each set of rules. */
  function inForce() {
    const of = rules();
    if (asked?.of !== of) asked = { of, checks: [...(rooms.defences?.checks(of) ?? of.checks), tracked, ...byRecipient(of)], limits: limitsOf(of) };
    return asked;
  }
  return {
    ...rooms,
    revisers: createMessageRevisers(rules, rooms.kernels),
    get checks() { return inForce().checks; },
    ...(rooms.defences === undefined ? {} : { witness: { open: (facts: Facts) => rooms.defences?.witness(rules()).open(facts) ?? null } }),
    variables,
    resolve: (recipient, origin) => rules().resolve(recipient, origin),
    trace: request => rules().trace(request),
    get limits() { return inForce().limits; },
  };
}

function limitsOf({ configuration: { limits, queue } }: Rules): IntakeOptions['limits'] {
  return { sizeOctets: limits.sizeOctets ?? 0, headerOctets: limits.headerOctets, receivedFields: RECEIVED_FIELDS, fields: HEADER_FIELDS, submitDelayMs: queue.submitDelayMs, batchSize: queue.batchSize };
}
