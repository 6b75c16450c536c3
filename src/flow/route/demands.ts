/** Mail that demands TLS of every hop takes no way that knows none: it fails, and is never sent less safely than asked. */
import type { Envelope, Recipient } from '../../core/envelope.ts';
import type { Route, Router, Settled } from '../../core/transport.ts';
import { failed } from './mail-exchangers.ts';

/** Who keeps it on its own connections, and who has it where it was going (courier-core 1.6). */
const KEEPING = new Set(['esmtp', 'local', 'trial']);

export function demandingRouter(router: Router): Router {
  return {
    route(to: Recipient, envelope: Envelope) {
      const answer = router.route(to, envelope);
      if (envelope.security === undefined && envelope.requireTls === undefined) return answer;
      return answer instanceof Promise ? answer.then(late => judged(late, envelope)) : judged(answer, envelope);
    },
  };
}

function judged(answer: Route | Settled, { requireTls }: Envelope): Route | Settled {
  if (answer.kind === 'settled' || KEEPING.has(answer.transport)) return answer;
  const what = requireTls === true ? 'REQUIRETLS' : 'SECURITY=STARTTLS';
  return failed(requireTls === true ? '5.7.30' : '5.7.4', `${what} is asked for, and there is no TLS on the way by ${answer.transport}`);
}
