/** esmtppercentrelay on the way out, as the rules in force have it. */
import type { MimeKernels } from '../core/kernels.ts';
import type { Transport } from '../core/transport.ts';
import { createPercentForm, type PercentRule } from '../flow/outgoing/index.ts';
import { asciiDomain } from '../grammar/domain.ts';
import type { Rules } from './rules.ts';

export function withPercentForm(transport: Transport, rules: () => Rules, kernels: MimeKernels): Transport {
  return createPercentForm({ transport, kernels, rule: () => ruleOf(rules()) });
}

function ruleOf({ configuration: { domains: { percentRelay }, names: { defaultDomain } } }: Rules): PercentRule | undefined {
  return percentRelay.patterns.length === 0 ? undefined : { behind: percentRelay, us: asciiDomain(defaultDomain) ?? defaultDomain };
}
