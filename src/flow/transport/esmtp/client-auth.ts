/** AUTH from the client's side (RFC 4954): CRAM-MD5 (RFC 2195), PLAIN (RFC 4616), LOGIN. */
import { createHmac } from 'node:crypto';
import type { Reply } from '../../../grammar/smtp/reply.ts';
import type { Loss } from './outcomes.ts';
import type { Wire } from './wire.ts';

export interface Credentials {
  readonly login: string;
  readonly password: string;
}

export type Authenticated =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused'; readonly reply: Reply }
  | { readonly kind: 'lost'; readonly loss: Loss }
  /** No mechanism that both know, or none that may be used without TLS. */
  | { readonly kind: 'no-mechanism'; readonly offered: readonly string[] };

/** Answers one challenge after the other; the first comes with AUTH itself when the mechanism has one. */
interface Mechanism {
  readonly name: string;
  readonly initial?: string;
  answer(challenge: string, step: number): string;
}

export async function authenticate(wire: Wire, offered: ReadonlySet<string>, credentials: Credentials, passwordMayShow: boolean, timeoutMs: number): Promise<Authenticated> {
  const mechanism = choose(offered, credentials, passwordMayShow);
  if (mechanism === null) return { kind: 'no-mechanism', offered: [...offered] };
  let command = `AUTH ${mechanism.name}${mechanism.initial === undefined ? '' : ` ${encode(mechanism.initial)}`}\r\n`;
  for (let step = 0; step < 4; step++) {
    const heard = await wire.ask(command, timeoutMs);
    if ('kind' in heard) return { kind: 'lost', loss: heard };
    if (heard.code === 235) return { kind: 'accepted' };
    if (heard.code !== 334) return { kind: 'refused', reply: heard };
    command = `${encode(mechanism.answer(Buffer.from(heard.lines.join(''), 'base64').toString('utf8'), step))}\r\n`;
  }
  const loss: Loss = { kind: 'garbage', why: 'The peer asks for more and more in AUTH' };
  wire.lose(loss);
  return { kind: 'lost', loss };
}

function choose(offered: ReadonlySet<string>, { login, password }: Credentials, passwordMayShow: boolean): Mechanism | null {
  if (offered.has('CRAM-MD5')) {
    return { name: 'CRAM-MD5', answer: challenge => `${login} ${createHmac('md5', password).update(challenge).digest('hex')}` };
  }
  if (!passwordMayShow) return null;
  if (offered.has('PLAIN')) return { name: 'PLAIN', initial: `\0${login}\0${password}`, answer: () => `\0${login}\0${password}` };
  if (offered.has('LOGIN')) return { name: 'LOGIN', answer: (_, step) => (step === 0 ? login : password) };
  return null;
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64');
}
