/**
 * XCLIENT and XFORWARD, as Postfix documents them: a relay in front of us says whom it speaks for. XCLIENT makes the session
 * that client's, in every check and limit; XFORWARD is for the log alone. Both exist only for those the operator trusts.
 */
import { catalogue, refuse } from '../../../core/status.ts';
import { parseClientAttributes, xclientNames, xforwardNames, type ClientAttributes } from '../../../grammar/smtp/client-attributes.ts';
import { cleanHelo } from '../../../grammar/smtp/command.ts';
import { whenKnown, type Command, type Conversation } from '../conversation.ts';

export const xclient: Command = {
  withoutAuth: true,
  withoutTls: true,
  idle: true,
  run(talk, argument) {
    if (!talk.introduces.xclient) return talk.refuse(refuse('unknownCommand'));
    if (talk.mail !== null) return talk.refuse(refuse('badSequence'));
    const attributes = parseClientAttributes(argument, xclientNames);
    if (attributes === null) return talk.refuse(refuse('syntax', { text: 'Say XCLIENT and attributes as NAME=value' }));
    // Postfix: the greeting again, since the session begins anew.
    return whenKnown(become(talk, attributes), refusal => (refusal === null ? talk.answer(talk.setup.banner) : talk.hangUp(refusal.text === '' ? { ...refusal, text: catalogue.accessDenied.text } : refusal)));
  },
};

export const xforward: Command = {
  withoutAuth: true,
  withoutTls: true,
  idle: true,
  run(talk, argument) {
    if (!talk.introduces.xforward) return talk.refuse(refuse('unknownCommand'));
    if (talk.mail !== null) return talk.refuse(refuse('badSequence'));
    const attributes = parseClientAttributes(argument, xforwardNames);
    if (attributes === null) return talk.refuse(refuse('syntax', { text: 'Say XFORWARD and attributes as NAME=value' }));
    // Several commands may say it bit by bit.
    talk.forwarded = { ...talk.forwarded, ...Object.fromEntries([...attributes].map(([name, value]) => [name.toLowerCase(), value ?? 'unknown'])) };
    return talk.answer('250 2.0.0 Ok.\r\n');
  },
};

function become(talk: Conversation, said: ClientAttributes) {
  const { peer } = talk;
  const login = said.get('LOGIN') ?? null;
  const name = said.get('NAME');
  const helo = said.get('HELO') ?? null;
  const answer = talk.become({
    remoteAddress: said.get('ADDR') ?? peer.remoteAddress,
    remotePort: Number(said.get('PORT') ?? peer.remotePort),
    localAddress: said.get('DESTADDR') ?? peer.localAddress,
    localPort: Number(said.get('DESTPORT') ?? peer.localPort),
  }, name);
  talk.helo = helo === null ? null : cleanHelo(helo);
  // The relay in front has checked the login, which is what it is trusted to do.
  talk.account = login === null ? null : { login, options: new Map() };
  talk.mechanism = login === null ? null : 'XCLIENT';
  return answer;
}
