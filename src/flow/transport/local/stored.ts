/** What a mailbox's answer means for the recipient. None of its refusals is the recipient's last word. */
import type { Outcome } from '../../../core/outcome.ts';
import type { Stored } from '../../../core/mailbox.ts';

type Refused = Extract<Stored, { kind: 'refused' }>;

export function outcomeOf({ why, text }: Refused): Outcome {
  const said = { type: 'x-unix', text } as const;
  switch (why) {
    case 'quota':
      return { kind: 'deferred', status: '4.2.2', blame: 'recipient', said };
    case 'disk-full':
      return { kind: 'deferred', status: '4.3.1', blame: 'nexthop', said };
    case 'unsafe':
      return { kind: 'deferred', status: '4.7.0', blame: 'recipient', said };
    case 'denied':
    case 'absent':
    case 'locked':
    case 'trouble':
      return { kind: 'deferred', status: '4.2.0', blame: 'recipient', said };
    default:
      return why satisfies never;
  }
}
