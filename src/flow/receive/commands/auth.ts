/** AUTH (RFC 4954). Every way to fail looks the same to the peer; which one it was is in the log. */
import { randomBytes } from 'node:crypto';
import { refuse, type Refusal } from '../../../core/status.ts';
import { createExchange, mechanisms, type Step } from '../../../grammar/sasl.ts';
import { whenKnown, type Command, type Conversation } from '../conversation.ts';
import { AUTH_FAILURES, AUTH_FAILURE_WAIT_MS } from '../limits.ts';

const AUTHENTICATED = '235 2.7.0 Ok.\r\n';

export const auth: Command = {
  withoutAuth: true,
  idle: true,
  run(talk, argument) {
    const offered = talk.setup.mechanisms(talk.tls !== null);
    if (offered.length === 0 && talk.setup.mechanisms(true).length === 0) return talk.refuse(refuse('notImplemented'));
    // RFC 4954 §4: after EHLO, once, and not within a transaction.
    if (!talk.extended) return talk.refuse(refuse('badSequence', { text: 'EHLO first' }));
    if (talk.account !== null || talk.mail !== null) return talk.refuse(refuse('badSequence'));
    const [name = '', initial = null, ...rest] = argument.split(' ');
    if (name === '' || rest.length > 0) return talk.refuse(refuse('syntax', { text: 'Say AUTH MECHANISM [initial response]' }));
    const mechanism = mechanisms.find(known => known === name.toUpperCase());
    if (mechanism === undefined || !offered.includes(mechanism)) {
      const underTls = mechanism !== undefined && talk.setup.offersTls && talk.tls === null && talk.setup.mechanisms(true).includes(mechanism);
      return talk.refuse(refuse(underTls ? 'authNeedsTls' : 'unknownMechanism'));
    }
    talk.exchange = createExchange(mechanism, {
      service: 'esmtp',
      challenge: () => `<${randomBytes(16).toString('hex')}.${talk.setup.clock.now()}@${talk.setup.name}>`,
    });
    return proceed(talk, talk.exchange.begin(initial));
  },
};

/** A line while an exchange is under way. */
export function answerExchange(talk: Conversation, line: string) {
  const { exchange } = talk;
  if (exchange === null) throw new Error('no exchange is under way');
  if (line === '*') {
    talk.exchange = null;
    return talk.refuse(refuse('authCancelled'));
  }
  return proceed(talk, exchange.answer(line));
}

function proceed(talk: Conversation, step: Step) {
  switch (step.kind) {
    case 'challenge':
      return talk.answer(`334 ${step.text}\r\n`);
    case 'malformed':
      talk.exchange = null;
      return fail(talk, refuse('authMalformed', { why: step.why }));
    case 'hopeless':
      talk.exchange = null;
      return fail(talk, refuse('authRejected', { why: step.why }));
    case 'proof':
      return verify(talk, step);
  }
}

function verify(talk: Conversation, { login, proof }: Step & { kind: 'proof' }) {
  const mechanism = talk.exchange?.mechanism ?? null;
  const backend = talk.setup.auth;
  talk.exchange = null;
  if (backend === undefined) return talk.passOn(refuse('authUnavailable', { why: 'no backend' }));
  return whenKnown(backend.verify(login, proof), answer => {
    switch (answer.kind) {
      case 'accepted':
        talk.account = answer.account;
        talk.mechanism = mechanism;
        return talk.answer(AUTHENTICATED);
      case 'rejected':
        return fail(talk, refuse('authRejected', { why: `login ${login}` }));
      case 'unavailable':
        return talk.passOn(refuse('authUnavailable', { why: answer.why }));
    }
  });
}

async function fail(talk: Conversation, refusal: Refusal): Promise<void> {
  talk.authFailures++;
  // A guesser waits, with or without the tarpit.
  await talk.pause(AUTH_FAILURE_WAIT_MS * talk.authFailures);
  await talk.refuse(talk.authFailures < AUTH_FAILURES ? refusal : refuse('tooManyAuthFailures', { why: refusal.why ?? refusal.text }));
}
