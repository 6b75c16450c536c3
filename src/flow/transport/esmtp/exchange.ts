/** One mail transaction under way: where it stands, and what is undecided if the connection is lost there. */
import type { Recipient } from '../../../core/envelope.ts';
import type { Plan } from './envelope-lines.ts';
import type { Job } from './job.ts';
import { lossOutcome, type Loss, type Peer, type Phase } from './outcomes.ts';

export type Step = 'reset' | 'mail' | 'rcpt' | 'data' | 'body' | 'final' | 'dot';

export interface Exchange {
  readonly job: Job;
  readonly plan: Plan;
  step: Step;
  /** Replies to RCPT read so far. */
  asked: number;
  heard: boolean;
  /** MAIL was. */
  refused: boolean;
  readonly accepted: Recipient[];
  /** One too many for this transaction: their turn is the next. */
  readonly surplus: Recipient[];
}

export function beginExchange(job: Job, plan: Plan): Exchange {
  return { job, plan, step: 'mail', asked: 0, heard: false, refused: false, accepted: [], surplus: [] };
}

/** Whoever has no outcome yet gets the loss for one. */
export function deferRest({ job, plan, step, asked, surplus }: Exchange, loss: Loss, peer: Peer): void {
  // Nothing of the message was sent for them.
  const unsent = lossOutcome(loss, 'rcpt', 'RCPT', peer);
  for (const { id } of surplus) job.decide(id, unsent);
  const [phase, command] = whereLost(step, plan, asked);
  const outcome = lossOutcome(loss, phase, command, peer);
  for (const { id } of plan.recipients) job.decide(id, outcome);
}

function whereLost(step: Step, plan: Plan, asked: number): readonly [Phase, string] {
  switch (step) {
    case 'reset':
    case 'mail':
      return ['mail', commandOf(plan.mail)];
    case 'rcpt':
      return ['rcpt', commandOf(plan.rcpts[asked] ?? 'RCPT')];
    case 'data':
    case 'body':
    case 'dot':
      return ['data', 'DATA'];
    case 'final':
      return ['final', 'DATA'];
    default:
      return step satisfies never;
  }
}

export function commandOf(line: string): string {
  return line.trimEnd();
}
