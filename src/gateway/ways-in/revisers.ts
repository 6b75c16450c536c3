/** Which rules hold for a message's own octets: by the way it came, its connection's variables and our domains. */
import { join } from 'node:path';
import type { Envelope } from '../../core/envelope.ts';
import type { Variables } from '../../core/policy.ts';
import type { Revisers } from '../../core/revision.ts';
import { createRevisers, type MessageRules, type RevisionOptions } from '../../flow/revise/index.ts';
import { mailRulesOf, type MailRules } from '../../grammar/config/ways-in/mail-rules.ts';
import { asciiDomain } from '../../grammar/domain.ts';
import type { OurFields } from '../../grammar/header/rules.ts';
import { percentInward } from '../../grammar/percent-relay.ts';
import { createHolding } from '../../kit/file/holding.ts';
import type { Rules } from '../rules.ts';

export function createMessageRevisers(rules: () => Rules, kernels: RevisionOptions['kernels']): Revisers {
  let kept = keep(rules());
  let held = 0;

  function ofClient({ origin, smtputf8 }: Envelope, variables: Variables): MessageRules {
    const of = rules();
    if (kept.of !== of) kept = keep(of);
    const trust = origin.relayClient !== undefined || origin.login !== undefined || variables.has('RELAYCLIENT');
    const known = trust ? kept.trusted : kept.strange;
    let found = known.get(variables);
    if (found === undefined) known.set(variables, found = clientRules(mailRulesOf(variables, trust), variables, of));
    return smtputf8 ? { ...found, smtputf8 } : found;
  }

  return createRevisers({
    kernels,
    hold: () => createHolding(join(rules().configuration.stateFolder, 'filtering', `W${process.pid}.${++held}`)),
    rules(envelope, variables) {
      const { source, login } = envelope.origin;
      if (source === 'esmtp' || source === 'submission') return ofClient(envelope, variables);
      // Somebody on this machine. What programs of ours send on is its author's, and stays.
      return source === 'local' && login !== undefined ? localRules(envelope, rules()) : null;
    },
  });
}

/** A connection's variables are one object for all connections of its network, so that little is put together twice. */
interface Kept {
  readonly of: Rules;
  readonly trusted: WeakMap<Variables, MessageRules>;
  readonly strange: WeakMap<Variables, MessageRules>;
}

function keep(of: Rules): Kept {
  return { of, trusted: new WeakMap(), strange: new WeakMap() };
}

function clientRules(mime: MailRules, variables: Variables, { configuration: { names, domains: { percentRelay, locals } } }: Rules): MessageRules {
  const address = percentRelay.patterns.length === 0 || mime.rewrite === 'never' ? null : (written: string) => percentInward(written, locals, percentRelay);
  return { mime, smtputf8: false, header: { address, despiteSignature: mime.rewrite === 'always', ours: ourFields(names.me, variables) } };
}

function localRules({ smtputf8 }: Envelope, { configuration: { names } }: Rules): MessageRules {
  const domain = asciiDomain(names.defaultDomain) ?? names.defaultDomain;
  const address = (written: string) => (/[@!]/.test(written) ? written : `${written}@${domain}`);
  return { mime: UNTOUCHED, smtputf8, header: { address, despiteSignature: false } };
}

/** Whoever reads our fields must not be made to believe that we wrote another's. */
function ourFields(me: string, variables: Variables): OurFields {
  const spf = ['BOFHSPFHELO', 'BOFHSPFMAILFROM', 'BOFHSPFFROM'].some(name => !['', 'off'].includes(variables.get(name) ?? ''));
  return { authServId: (asciiDomain(me) ?? me).toLowerCase(), allResults: !['', '0'].includes(variables.get('ALLOW_EXCLUSIVE') ?? ''), receivedSpf: spf };
}

const UNTOUCHED: MailRules = { convert: 'none', malformed: 'accept', refuseRaw8bit: false, refuseBase64Text: false, limits: { depth: 20, parts: 300 }, rewrite: 'unsigned' };
