/** Which rules hold for a message's own octets: by the way it came, its connection's variables and our domains. */
import { join } from 'node:path';
import type { Envelope, Origin } from '../../core/envelope.ts';
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
  // A connection's variables are one object for all connections of its network.
  const trusted = new WeakMap<Variables, MailRules>();
  const strange = new WeakMap<Variables, MailRules>();
  let held = 0;

  function mailRules(origin: Origin, variables: Variables): MailRules {
    const trust = origin.relayClient !== undefined || origin.login !== undefined || variables.has('RELAYCLIENT');
    const known = trust ? trusted : strange;
    let found = known.get(variables);
    if (found === undefined) known.set(variables, found = mailRulesOf(variables, trust));
    return found;
  }

  return createRevisers({
    kernels,
    hold: () => createHolding(join(rules().configuration.stateFolder, 'filtering', `W${process.pid}.${++held}`)),
    rules: (envelope, variables) => rulesOf(envelope, variables, () => mailRules(envelope.origin, variables), rules()),
  });
}

function rulesOf({ origin, smtputf8 }: Envelope, variables: Variables, mailRules: () => MailRules, { configuration: { names, domains } }: Rules): MessageRules | null {
  const { source, login } = origin;
  if (source === 'esmtp' || source === 'submission') {
    const mime = mailRules();
    const { percentRelay, locals } = domains;
    const address = percentRelay.patterns.length === 0 || mime.rewrite === 'never' ? null : (written: string) => percentInward(written, locals, percentRelay);
    return { mime, smtputf8, header: { address, despiteSignature: mime.rewrite === 'always', ours: ourFields(names.me, variables) } };
  }
  // Somebody on this machine. What programs of ours send on is its author's, and stays.
  if (source !== 'local' || login === undefined) return null;
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
