/** Asks a sender's mail exchangers whether they would take mail for it: MAIL FROM:<>, RCPT, and no message (RFC 5321 §3.3). */
import type { Socket } from 'node:net';
import type { Address, Envelope, RecipientId } from '../../core/envelope.ts';
import type { Destination, Destinations, Relay, Router } from '../../core/transport.ts';
import { asciiDomain } from '../../grammar/domain.ts';
import { createReplyReader, type Reply } from '../../grammar/smtp/reply.ts';
import type { Dial } from '../../kit/net/dial.ts';
import type { StartTls } from '../../kit/net/start-tls.ts';
import type { Verified } from './verification.ts';

export interface CallbackOptions {
  /** Routes first: mail back would take them too. */
  readonly router: Router;
  readonly destinations: Destinations;
  readonly dial: Dial;
  readonly startTls: StartTls;
  helo(): string;
}

const NO_ENVELOPE: Envelope = { reversePath: null, body: '7bit', smtputf8: false, origin: { source: 'dsn', protocol: 'dsn', at: 0 } };
const CONNECT_MS = 20_000;
const RELAYS = 5;
const REPLY_OCTETS = 64 * 1024;

export function createCallback(options: CallbackOptions): (address: Address, signal: AbortSignal) => Promise<Verified> {
  return async (address, signal) => {
    const at = address.lastIndexOf('@');
    const domain = asciiDomain(address.slice(at + 1)) ?? address.slice(at + 1);
    const route = await options.router.route({ id: 0 as RecipientId, address }, NO_ENVELOPE);
    // By another way than ESMTP nobody can be asked.
    if (route.kind === 'route' && route.transport !== 'esmtp') return { kind: 'good' };
    const found = route.kind === 'settled' ? route : await options.destinations.find(route.nexthop, signal);
    if (found.kind === 'settled') return { kind: 'bad', lasting: found.outcome.kind === 'failed', said: [found.outcome.said?.text ?? 'The domain takes no mail'] };
    let last: Verified = { kind: 'bad', lasting: false, said: ['No mail exchanger could be reached'] };
    for (const relay of found.relays.slice(0, RELAYS)) {
      signal.throwIfAborted();
      const answer = await ask(options, relay, found, `${address.slice(0, at)}@${domain}`, signal);
      // What one says for good, the others need not be asked.
      if (answer.kind === 'good' || answer.lasting) return answer;
      last = answer;
    }
    return last;
  };
}

async function ask({ dial, startTls, helo }: CallbackOptions, relay: Relay, manner: Destination, address: string, signal: AbortSignal): Promise<Verified> {
  const dialled = await dial({
    host: relay.host, port: relay.port, timeoutMs: CONNECT_MS, signal,
    ...(relay.address === undefined ? {} : { address: relay.address }), ...(manner.proxy === undefined ? {} : { proxy: manner.proxy }),
    ...(manner.tls.kind === 'smtps' ? { tls: { verify: manner.tls.verify } } : {}),
  });
  const peer = `${relay.host}${relay.address === undefined || relay.address === relay.host ? '' : ` [${relay.address}]`}`;
  if (dialled.kind !== 'connected') return { kind: 'bad', lasting: false, said: [`${peer}: ${dialled.why}`] };
  let { socket } = dialled;
  const drop = () => socket.destroy();
  if (signal.aborted) drop();
  signal.addEventListener('abort', drop, { once: true });
  try {
    let talk = openTalk(socket);
    const no = (reply: Reply | null, said: string): Verified => (reply === null
      ? { kind: 'bad', lasting: false, said: [`${peer} closed the connection`] }
      : { kind: 'bad', lasting: reply.code >= 500, said: [`${peer}:`, `>>> ${said}`, ...reply.lines] });
    const banner = await talk.reply();
    // 554 in the banner is this server's word about us, not about the address.
    if (banner === null || banner.code >= 300) return { ...no(banner, 'connect'), lasting: false } as Verified;
    let hello = await talk.say(`EHLO ${helo()}`);
    if (hello !== null && hello.code >= 500) hello = await talk.say(`HELO ${helo()}`);
    if (hello === null || hello.code >= 300) return { ...no(hello, 'EHLO'), lasting: false } as Verified;
    const wantsTls = manner.tls.kind !== 'smtps' && manner.tls.kind !== 'none' && hello.lines.slice(1).some(line => /^STARTTLS$/i.test(line.trim()));
    if (wantsTls && (await talk.say('STARTTLS'))?.code === 220) {
      talk.end();
      const secured = await startTls(socket, { host: relay.host, verify: manner.tls.verify, timeoutMs: CONNECT_MS, signal });
      if (secured.kind !== 'secured') return { kind: 'bad', lasting: false, said: [`${peer}: ${secured.why}`] };
      socket = secured.socket;
      talk = openTalk(socket);
      const again = await talk.say(`EHLO ${helo()}`);
      if (again === null || again.code >= 300) return { ...no(again, 'EHLO'), lasting: false } as Verified;
    } else if (manner.tls.kind === 'required') {
      return { kind: 'bad', lasting: false, said: [`${peer} offers no TLS, which its route demands`] };
    }
    for (const command of ['MAIL FROM:<>', `RCPT TO:<${address}>`]) {
      const reply = await talk.say(command);
      if (reply === null || reply.code >= 300) return no(reply, command);
    }
    socket.write('QUIT\r\n');
    return { kind: 'good' };
  } finally {
    signal.removeEventListener('abort', drop);
    socket.destroySoon();
  }
}

interface Talk {
  say(line: string): Promise<Reply | null>;
  /** Null when the connection ended, or spoke nonsense. */
  reply(): Promise<Reply | null>;
  end(): void;
}

function openTalk(socket: Socket): Talk {
  const reader = createReplyReader();
  const ready: (Reply | null)[] = [];
  let waiting: ((reply: Reply | null) => void) | null = null;
  let text = '';
  let over = false;
  const give = (reply: Reply | null) => {
    if (reply === null) over = true;
    if (waiting === null) ready.push(reply);
    else {
      const take = waiting;
      waiting = null;
      take(reply);
    }
  };
  const heard = (chunk: Buffer) => {
    text += chunk.toString('latin1');
    for (let lf = text.indexOf('\n'); lf >= 0; lf = text.indexOf('\n')) {
      const line = reader.line(text.slice(0, lf).replace(/\r$/, ''));
      text = text.slice(lf + 1);
      if (line === 'garbage') return give(null);
      if (line !== null) give(line);
    }
    if (text.length > REPLY_OCTETS) give(null);
  };
  const gone = () => give(null);
  socket.on('data', heard).on('close', gone).on('error', gone).resume();
  const reply = () => {
    const next = ready.shift();
    if (next !== undefined) return Promise.resolve(next);
    return over ? Promise.resolve(null) : new Promise<Reply | null>(resolve => { waiting = resolve; });
  };
  return {
    reply,
    say(line) {
      if (!socket.destroyed) socket.write(`${line}\r\n`);
      return reply();
    },
    end() {
      socket.pause();
      socket.off('data', heard).off('close', gone);
    },
  };
}
