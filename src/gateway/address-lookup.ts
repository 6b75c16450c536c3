/** What the configuration makes of an address, without a gateway: for `aliaslookup` and `makealiases`. */
import type { Configuration } from '../configuration.ts';
import type { Address, Origin } from '../core/envelope.ts';
import { silent } from '../core/log.ts';
import { createSystemClock } from '../kit/system-clock.ts';
import { createLocalDelivery } from './ways-out/local-delivery.ts';
import { compileRules, type Rules } from './rules.ts';

export type AddressVerdict =
  | { readonly kind: 'accepted'; readonly recipients: readonly { readonly address: string; readonly instruction?: string }[] }
  | { readonly kind: 'refused'; readonly reply: number; readonly text: string };

export interface AddressLookup {
  /** `steps` says how it came to that, a line each. */
  find(address: Address, source: Origin['source'], whose: Pick<Origin, 'virtualHost' | 'login'>): Promise<{ readonly steps: readonly string[]; readonly verdict: AddressVerdict }>;
  aliases(source: Origin['source'] | 'common'): readonly { readonly where: string; readonly name: string; readonly members: readonly string[] }[];
  problems(): readonly string[];
}

export function createAddressLookup(configuration: Configuration): AddressLookup {
  const clock = createSystemClock();
  const { transport: local } = createLocalDelivery({ first: configuration, configuration: () => configuration, clock, log: silent });
  const rules: Rules = compileRules(configuration, local.names, silent);
  return {
    async find(address, source, whose) {
      const steps: string[] = [];
      const origin: Origin = { source, protocol: source, at: clock.now(), ...whose };
      const answer = await rules.of(origin).resolve(address, origin, step => steps.push(step));
      if (typeof answer !== 'string' && answer.kind === 'refused') return { steps, verdict: { kind: 'refused', reply: answer.reply, text: answer.why ?? answer.text } };
      const members = typeof answer === 'string' ? [answer] : answer.members;
      const recipients = members.map(member => {
        const instruction = rules.instruction(member);
        return { address: member, ...(instruction === null ? {} : { instruction }) };
      });
      return { steps, verdict: { kind: 'accepted', recipients } };
    },
    aliases(source) {
      const files = rules.aliases(source === 'common' ? 'dsn' : source);
      const table = files[0]?.aliases.current();
      return (table?.definitions ?? []).map(({ where, name, members }) => ({ where, name, members: members.map(member => member.text) }));
    },
    problems: () => rules.aliasProblems(),
  };
}
