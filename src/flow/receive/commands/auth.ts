/** AUTH (RFC 4954). Every way to fail looks the same to the peer; which one it was is in the log. */
import { randomBytes } from 'node:crypto';
import type { Account, AuthAnswer } from '../../../core/auth.ts';
import type { Awaitable } from '../../../core/intake.ts';
import { refuse, type Refusal } from '../../../core/status.ts';
import { createExchange, mechanisms, type Exchange, type Step } from '../../../grammar/sasl/mechanisms.ts';
import { whenKnown, type Command, type Conversation } from '../conversation.ts';
import { AUTH_FAILURES, AUTH_FAILURE_WAIT_MS } from '../limits.ts';

const AUTHENTICATED = '235 2.7.0 Ok.\r\n';
const NONCE_OCTETS = 24;

export const auth: Command = {
  withoutAuth: true,
  idle: true,
  run(talk, argument) {
    const offered = talk.setup.mechanisms(talk.channel);
    if (offered.length === 0 && talk.setup.mechanismsTls.length === 0) return talk.refuse(refuse('notImplemented'));
    // RFC 4954 §4: after EHLO, once, and not within a transaction.
    if (!talk.extended) return talk.refuse(refuse('badSequence', { text: 'EHLO first' }));
    if (talk.account !== null || talk.mail !== null) return talk.refuse(refuse('badSequence'));
    const [name = '', initial = null, ...rest] = argument.split(' ');
    if (name === '' || rest.length > 0) return talk.refuse(refuse('syntax', { text: 'Say AUTH MECHANISM [initial response]' }));
    const mechanism = mechanisms.find(known => known === name.toUpperCase());
    if (mechanism === undefined || !offered.includes(mechanism)) {
      const underTls = mechanism !== undefined && talk.setup.offersTls && talk.tls === null && talk.setup.mechanismsTls.includes(mechanism);
      return talk.refuse(refuse(underTls ? 'authNeedsTls' : 'unknownMechanism'));
    }
    if (!mayTry(talk, null)) return banned(talk, null);
    talk.exchange = createExchange(mechanism, {
      service: 'esmtp',
      challenge: () => `<${randomBytes(16).toString('hex')}.${talk.setup.clock.now()}@${talk.setup.name}>`,
      nonce: () => randomBytes(NONCE_OCTETS).toString('base64url'),
      binding: type => talk.channel?.binding(type) ?? null,
      offersBinding: offered.some(one => one.endsWith('-PLUS')),
      identity: talk.channel?.identity ?? null,
    });
    return proceed(talk, talk.exchange, talk.exchange.begin(initial));
  },
};

/** A line while an exchange is under way. */
export function answerExchange(talk: Conversation, line: string) {
  const { exchange } = talk;
  if (exchange === null) throw new Error('no exchange is under way');
  if (line === '*') {
    talk.exchange = null;
    talk.proven = null;
    return talk.refuse(refuse('authCancelled'));
  }
  return proceed(talk, exchange, exchange.answer(line));
}

function proceed(talk: Conversation, exchange: Exchange, step: Step): Awaitable<void> {
  // Whatever comes of it, a line that follows belongs to this exchange only when it is asked for.
  talk.exchange = null;
  switch (step.kind) {
    case 'challenge':
      talk.exchange = exchange;
      return talk.answer(`334 ${step.text}\r\n`);
    case 'salt':
      return season(talk, exchange, step);
    case 'proof':
      if (!mayTry(talk, step.login)) return banned(talk, step.login);
      return judge(talk, exchange, step.login, talk.setup.auth?.verify(step.login, step.proof));
    case 'identity':
      if (!mayTry(talk, step.login)) return banned(talk, step.login);
      return judge(talk, exchange, step.login, talk.setup.auth?.find(step.login));
    case 'done':
      return enter(talk, exchange, talk.proven);
    case 'malformed':
      return failed(talk, refuse('authMalformed', { why: step.why }), null);
    case 'hopeless':
      return failed(talk, refuse('authRejected', { why: step.why }), null);
    case 'told':
      return sayFailed(talk, refuse('authRejected', { why: 'the token was rejected' }));
    default:
      return step satisfies never;
  }
}

function season(talk: Conversation, exchange: Exchange, { login, digest }: Step & { kind: 'salt' }): Awaitable<void> {
  const asked = talk.setup.auth?.salt?.(login, digest);
  if (asked === undefined) return unavailable(talk, 'no backend knows SCRAM');
  return asked.then(answer => (answer.kind === 'unavailable'
    ? unavailable(talk, answer.why)
    : proceed(talk, exchange, exchange.salted?.(answer.salt, answer.iterations) ?? { kind: 'malformed', why: 'no salt was asked for' })));
}

function judge(talk: Conversation, exchange: Exchange, login: string, asked: Promise<AuthAnswer> | undefined): Awaitable<void> {
  if (asked === undefined) return unavailable(talk, 'no backend');
  return whenKnown(asked, answer => {
    switch (answer.kind) {
      case 'accepted':
        if (exchange.accepted === undefined) return enter(talk, exchange, answer.account);
        talk.proven = answer.account;
        return proceed(talk, exchange, exchange.accepted(answer.serverSignature));
      case 'rejected':
        if (exchange.rejected === undefined) return failed(talk, refuse('authRejected', { why: `login ${login}` }), login);
        // Counted now: a client that does not wait for the rest has guessed all the same.
        talk.setup.failures?.failed(talk.peer.remoteAddress, login);
        return proceed(talk, exchange, exchange.rejected());
      case 'unavailable':
        return unavailable(talk, answer.why);
      default:
        return answer satisfies never;
    }
  });
}

function enter(talk: Conversation, { mechanism }: Exchange, account: Account | null): void {
  talk.proven = null;
  if (account === null) throw new Error('nobody was proved');
  talk.setup.failures?.succeeded(talk.peer.remoteAddress, account.login);
  talk.account = account;
  talk.mechanism = mechanism;
  return talk.answer(AUTHENTICATED);
}

function unavailable(talk: Conversation, why: string): Awaitable<void> {
  return talk.passOn(refuse('authUnavailable', { why }));
}

function mayTry(talk: Conversation, login: string | null): boolean {
  return talk.setup.failures?.allowed(talk.peer.remoteAddress, login) ?? true;
}

/** No backend is asked, and nobody learns whether the password would have been right. */
function banned(talk: Conversation, login: string | null): Awaitable<void> {
  return talk.refuse(refuse('tooManyAuthFailures', { why: login === null ? 'the address has failed too often' : `login ${login} has failed too often` }));
}

function failed(talk: Conversation, refusal: Refusal, login: string | null): Promise<void> {
  talk.setup.failures?.failed(talk.peer.remoteAddress, login);
  return sayFailed(talk, refusal);
}

async function sayFailed(talk: Conversation, refusal: Refusal): Promise<void> {
  talk.authFailures++;
  // A guesser waits, with or without the tarpit.
  await talk.pause(AUTH_FAILURE_WAIT_MS * talk.authFailures);
  await talk.refuse(talk.authFailures < AUTH_FAILURES ? refusal : refuse('tooManyAuthFailures', { why: refusal.why ?? refusal.text }));
}
