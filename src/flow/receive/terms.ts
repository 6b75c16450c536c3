/** What holds for one client: the listener's word, where the access file does not have one of its own. */
import type { Variables } from '../../core/policy.ts';
import { isOn, limitsFor, type Limits } from './limits.ts';
import type { Setup } from './setup.ts';

export interface Terms {
  /** As the client was admitted; the intake's checks read them too. */
  readonly variables: Variables;
  readonly limits: Limits;
  readonly requireAuth: boolean;
  readonly requireTls: boolean;
  readonly tarpit: boolean;
  readonly expn: boolean;
  readonly vrfy: boolean;
  /** May relay, and what is appended to recipients, before any login. */
  readonly relayClient: string | undefined;
}

export function termsFor({ limits, listener, tarpit, directory }: Setup, variables: Variables): Terms {
  return {
    variables,
    limits: limitsFor(limits, variables),
    requireAuth: isOn(variables.get('AUTH_REQUIRED'), listener.requireAuth ?? false),
    requireTls: isOn(variables.get('ESMTP_TLS_REQUIRED'), listener.requireTls ?? false),
    tarpit: isOn(variables.get('TARPIT'), tarpit),
    expn: directory !== undefined && !isOn(variables.get('BOFHNOEXPN'), false),
    vrfy: directory !== undefined && !isOn(variables.get('BOFHNOVRFY'), false),
    relayClient: variables.get('RELAYCLIENT'),
  };
}
