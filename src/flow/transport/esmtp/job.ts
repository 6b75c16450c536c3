/** One delivery on its way: its recipients' outcomes as they become known, and the promise to answer with them. */
import type { Recipient, RecipientId } from '../../../core/envelope.ts';
import type { Outcome, Outcomes } from '../../../core/outcome.ts';
import type { Delivery } from '../../../core/transport.ts';

export class Job {
  readonly delivery: Delivery;
  /** Times it was moved to another connection because the first one never answered it. */
  restarts = 0;
  settled = false;
  readonly #outcomes = new Map<RecipientId, Outcome>();
  readonly #settle: (outcomes: Outcomes) => void;

  constructor(delivery: Delivery, settle: (outcomes: Outcomes) => void) {
    this.delivery = delivery;
    this.#settle = settle;
  }

  /** Nothing was decided yet, so it may start anew elsewhere. */
  get untouched(): boolean {
    return this.#outcomes.size === 0;
  }

  /** Those without an outcome. */
  get remaining(): readonly Recipient[] {
    const { recipients } = this.delivery;
    return this.#outcomes.size === 0 ? recipients : recipients.filter(({ id }) => !this.#outcomes.has(id));
  }

  /** The first outcome for a recipient stands. */
  decide(recipient: RecipientId, outcome: Outcome): void {
    if (this.settled || this.#outcomes.has(recipient)) return;
    this.#outcomes.set(recipient, outcome);
    if (this.#outcomes.size < this.delivery.recipients.length) return;
    this.settled = true;
    this.#settle(this.#outcomes);
  }

  decideRest(outcome: Outcome): void {
    for (const { id } of this.delivery.recipients) this.decide(id, outcome);
  }
}
