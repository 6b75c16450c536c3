/** AUTH from the client's side (RFC 4954): a SASL exchange over a wire. */
import { TLSSocket } from 'node:tls';
import type { RelayAuth } from '../../../core/transport.ts';
import type { Reply } from '../../../grammar/smtp/reply.ts';
import { createSaslClient } from '../../../kit/sasl/client.ts';
import type { ChannelBinding } from '../../../kit/sasl/scram.ts';
import type { Loss } from './outcomes.ts';
import type { Wire } from './wire.ts';

export interface AuthSetting {
  readonly offered: ReadonlySet<string>;
  readonly maySayPassword: boolean;
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
}

export type Authenticated =
  | { readonly kind: 'accepted' }
  /** `complaint`: what it said of our token. */
  | { readonly kind: 'refused'; readonly reply: Reply; readonly mechanism: string; readonly complaint: string | null }
  /** It accepts us, but it is not who it should be. */
  | { readonly kind: 'distrusted'; readonly why: string }
  | { readonly kind: 'lost'; readonly loss: Loss }
  /** No mechanism that both know, or none that may be used without TLS. */
  | { readonly kind: 'no-mechanism'; readonly offered: readonly string[] };

/** RFC 4954 §4 allows 12288 octets, but a server may know only RFC 5321's 512 and a bit: what is longer waits for its challenge. */
const LONGEST_INITIAL = 1000;
const STEPS = 4;

export async function authenticate(wire: Wire, auth: RelayAuth, setting: AuthSetting): Promise<Authenticated> {
  const { offered, maySayPassword, host, port, timeoutMs } = setting;
  const { mechanisms } = auth;
  const binding = bindingOf(wire.socket);
  const client = createSaslClient(auth, { offered, maySayPassword, host, port, ...(mechanisms === undefined ? {} : { only: mechanisms }), ...(binding === null ? {} : { binding }) });
  if (client === null) return { kind: 'no-mechanism', offered: [...offered] };
  const initial = client.initial === undefined ? '' : encode(client.initial);
  const atOnce = initial !== '' && initial.length <= LONGEST_INITIAL;
  let owed = !atOnce && client.initial !== undefined;
  let command = `AUTH ${client.mechanism}${atOnce ? ` ${initial}` : ''}\r\n`;
  for (let step = 0; step < STEPS; step++) {
    const heard = await wire.ask(command, timeoutMs);
    if ('kind' in heard) return { kind: 'lost', loss: heard };
    if (heard.code === 235) {
      const doubt = client.doubt();
      return doubt === null ? { kind: 'accepted' } : { kind: 'distrusted', why: doubt };
    }
    if (heard.code !== 334) return { kind: 'refused', reply: heard, mechanism: client.mechanism, complaint: client.complaint() };
    if (owed) {
      owed = false;
      command = `${initial}\r\n`;
      continue;
    }
    const answer = await client.answer(Buffer.from(heard.lines.join(''), 'base64').toString('utf8'));
    if (wire.loss !== null) return { kind: 'lost', loss: wire.loss };
    if (answer.kind === 'distrust') return { kind: 'distrusted', why: answer.why };
    command = `${encode(answer.text)}\r\n`;
  }
  const loss: Loss = { kind: 'garbage', why: 'The peer asks for more and more in AUTH' };
  wire.lose(loss);
  return { kind: 'lost', loss };
}

/** TLS 1.3 has the exporter (RFC 9266); before it, the first Finished message is ours unless the session was resumed (RFC 5929 §3.1). */
function bindingOf(socket: unknown): ChannelBinding | null {
  if (!(socket instanceof TLSSocket)) return null;
  if (socket.getProtocol() === 'TLSv1.3') return { type: 'tls-exporter', octets: socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)) };
  const finished = socket.isSessionReused() ? undefined : socket.getFinished();
  return finished === undefined ? null : { type: 'tls-unique', octets: finished };
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64');
}
