/** The lanes as an operator sees them. */
import type { Instant } from '../../core/clock.ts';
import type { NexthopView } from '../../core/operations.ts';
import type { Lane, Lanes } from './lanes.ts';

/** More fit on no screen. */
const MOST = 500;

export function viewOf<Job>(lanes: Lanes<Job>, now: Instant): readonly NexthopView[] {
  const shown: NexthopView[] = [];
  for (const lane of lanes.busy()) shown.push(view(lane));
  for (const lane of lanes.idle()) if (lanes.closedUntil(lane, now) !== null) shown.push(view(lane));
  return shown.toSorted((one, other) => other.active - one.active || other.waiting - one.waiting).slice(0, MOST);

  function view(lane: Lane): NexthopView {
    const { transport, nexthop, active, waiting, width, lastTrouble } = lane;
    const closedUntil = lanes.closedUntil(lane, now);
    return {
      transport, nexthop, active, waiting, width,
      ...(closedUntil === null ? {} : { closedUntil }),
      ...(lastTrouble === undefined ? {} : { trouble: `${lastTrouble.status} ${lastTrouble.said?.text ?? ''}`.trim() }),
    };
  }
}
