/**
 * An SMTP server that does at each step what it is told: answer, refuse, drop, fall silent, talk nonsense, stop in
 * the middle of a reply. Steps it is told nothing about succeed.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { TLSSocket, type SecureContext } from 'node:tls';

export type Step = 'connect' | 'ehlo' | 'helo' | 'starttls' | 'auth' | 'mail' | 'rcpt' | 'data' | 'content' | 'dot' | 'rset' | 'quit';

export type Act =
  | { readonly kind: 'say'; readonly text: string }
  | { readonly kind: 'drop' | 'silence' | 'garbage' | 'half' }
  /** Says it, then hangs up. */
  | { readonly kind: 'last'; readonly text: string };

export const drop: Act = { kind: 'drop' };
export const silence: Act = { kind: 'silence' };
export const garbage: Act = { kind: 'garbage' };
export const half: Act = { kind: 'half' };
export const say = (text: string): Act => ({ kind: 'say', text });
export const last = (text: string): Act => ({ kind: 'last', text });

export interface Asked {
  readonly step: Step;
  /** 1 for the first connection. */
  readonly connection: number;
  /** How often this step was asked before, on all connections. */
  readonly before: number;
  readonly line: string;
}

export interface PeerOptions {
  readonly extensions?: readonly string[];
  readonly act?: (asked: Asked) => Act | undefined;
  /** Replies leave one octet a segment. */
  readonly octetByOctet?: boolean;
  readonly tls?: SecureContext;
  readonly host?: string;
}

export interface TakenMessage {
  readonly mail: string;
  readonly rcpts: readonly string[];
  /** As on the wire, dots and all, without the final one. */
  readonly wire: string;
  readonly connection: number;
  readonly secure: boolean;
}

export interface ScriptedPeer {
  readonly port: number;
  readonly host: string;
  readonly messages: readonly TakenMessage[];
  /** Every command line of every connection, in order. */
  readonly lines: readonly string[];
  /** What came in one segment, as text. */
  readonly segments: readonly string[];
  readonly connections: number;
  /** Connections that are open now. */
  readonly open: number;
  /** Resolves once `seen` holds; looks at each thing that happens. */
  until(what: string, seen: () => boolean): Promise<void>;
  close(): Promise<void>;
}

const defaults: Readonly<Record<Exclude<Step, 'ehlo' | 'content'>, string>> = {
  connect: '220 peer.example ESMTP',
  helo: '250 peer.example',
  starttls: '220 2.0.0 Go ahead',
  auth: '235 2.7.0 Welcome',
  mail: '250 2.1.0 Sender good',
  rcpt: '250 2.1.5 Recipient good',
  data: '354 Go on',
  dot: '250 2.0.0 Taken as 4711',
  rset: '250 2.0.0 Forgotten',
  quit: '221 2.0.0 Bye',
};

export async function openScriptedPeer(options: PeerOptions = {}): Promise<ScriptedPeer> {
  const counts = new Map<Step, number>();
  const messages: TakenMessage[] = [];
  const lines: string[] = [];
  const segments: string[] = [];
  const sockets = new Set<Socket>();
  const watchers = new Set<() => void>();
  let connections = 0;
  const happened = () => {
    for (const look of watchers) look();
  };

  function serve(plain: Socket): void {
    const connection = ++connections;
    let socket = plain;
    let rest = '';
    let mail = '';
    let rcpts: string[] = [];
    let inContent = false;
    let content = '';
    let deaf = false;
    let challenge = 0;
    /** Octets of a BDAT that are still to come; null: none is under way. */
    let chunk: number | null = null;
    sockets.add(plain);
    plain.setNoDelay(true);
    plain.on('error', () => undefined).on('close', () => {
      sockets.delete(plain);
      happened();
    });

    function answer(step: Step, line: string): boolean {
      const before = counts.get(step) ?? 0;
      counts.set(step, before + 1);
      const act = options.act?.({ step, connection, before, line }) ?? (step === 'content' ? undefined : say(step === 'ehlo' ? formatEhlo() : defaults[step]));
      if (act === undefined) return true;
      switch (act.kind) {
        case 'say':
          write(`${act.text}\r\n`);
          return step === 'dot' || step === 'starttls' ? act.text.startsWith('2') : /(?:^|\n)(?:2|354)/.test(act.text);
        case 'last':
          socket.end(`${act.text}\r\n`);
          deaf = true;
          return false;
        case 'drop':
          socket.destroy();
          deaf = true;
          return false;
        case 'half':
          socket.end('250-2.0.0 and then');
          deaf = true;
          return false;
        case 'garbage':
          write('HTTP/1.1 400 Bad Request\r\n\r\n');
          return false;
        case 'silence':
          deaf = true;
          return false;
        default:
          return act satisfies never;
      }
    }
    function formatEhlo(): string {
      const all = ['peer.example', ...(options.extensions ?? ['PIPELINING', '8BITMIME', 'ENHANCEDSTATUSCODES'])];
      return all.map((line, n) => `250${n === all.length - 1 ? ' ' : '-'}${line}`).join('\r\n');
    }
    function write(text: string): void {
      if (options.octetByOctet !== true) return void socket.write(text);
      for (const octet of Buffer.from(text)) socket.write(Buffer.of(octet));
    }
    function take(text: string): void {
      segments.push(text);
      rest += text;
      while (chunk !== null ? takeChunk() : inContent ? takeContent() : takeLine());
      happened();
    }
    function takeContent(): boolean {
      if (deaf) return false;
      content += rest;
      rest = '';
      if (counts.get('content') !== undefined && content.length > 0 && !content.includes('\r\n.\r\n')) return false;
      const end = content.startsWith('.\r\n') ? 0 : content.indexOf('\r\n.\r\n') + 2;
      if (end < 2 && !content.startsWith('.\r\n')) {
        answer('content', '');
        return false;
      }
      rest = content.slice(end + 3);
      const wire = content.slice(0, end);
      content = '';
      inContent = false;
      if (answer('dot', '') && rcpts.length > 0) messages.push({ mail, rcpts, wire, connection, secure: socket instanceof TLSSocket });
      mail = '';
      rcpts = [];
      return rest !== '';
    }
    function takeChunk(): boolean {
      if (chunk === null || deaf || rest.length < chunk) return false;
      const wire = rest.slice(0, chunk);
      rest = rest.slice(chunk);
      chunk = null;
      if (answer('dot', '') && rcpts.length > 0) messages.push({ mail, rcpts, wire, connection, secure: socket instanceof TLSSocket });
      mail = '';
      rcpts = [];
      return rest !== '';
    }
    function takeLine(): boolean {
      if (deaf) return false;
      const end = rest.indexOf('\r\n');
      if (end < 0) return false;
      const line = rest.slice(0, end);
      rest = rest.slice(end + 2);
      lines.push(line);
      command(line);
      return rest !== '';
    }
    function command(line: string): void {
      const step = line.split(/[ :]/, 1)[0]?.toLowerCase() as Step;
      if (challenge > 0) return continueAuth(line);
      const octets = /^BDAT (\d+) LAST$/.exec(line)?.[1];
      if (octets !== undefined) {
        chunk = Number(octets);
        return;
      }
      switch (step) {
        case 'mail':
          if (answer('mail', line)) mail = line;
          return;
        case 'rcpt':
          if (mail === '' && options.act === undefined) return write('503 5.5.1 MAIL first\r\n');
          if (answer('rcpt', line)) rcpts = [...rcpts, line];
          return;
        case 'data':
          inContent = answer('data', line);
          return;
        case 'rset':
          mail = '';
          rcpts = [];
          answer('rset', line);
          return;
        case 'starttls':
          if (answer('starttls', line) && !deaf) secure();
          return;
        case 'auth':
          if (options.act?.({ step: 'auth', connection, before: 0, line })?.kind === 'say') challenge = 1;
          answer('auth', line);
          return;
        case 'quit':
          answer('quit', line);
          socket.end();
          return;
        case 'ehlo':
        case 'helo':
          answer(step, line);
          return;
        case 'connect':
        case 'content':
        case 'dot':
        default:
          write('500 5.5.1 What?\r\n');
      }
    }
    function continueAuth(line: string): void {
      challenge = 0;
      command(`AUTH ${line}`);
    }
    function secure(): void {
      plain.removeAllListeners('data');
      const tls = new TLSSocket(plain, { isServer: true, ...(options.tls === undefined ? {} : { secureContext: options.tls }) });
      tls.on('error', () => undefined).on('data', (chunk: Buffer) => take(chunk.toString('latin1')));
      socket = tls;
      rest = '';
    }
    plain.on('data', (chunk: Buffer) => take(chunk.toString('latin1')));
    answer('connect', '');
    happened();
  }

  const server: Server = createServer(serve);
  const host = options.host ?? '127.0.0.1';
  await new Promise<void>(resolve => server.listen(0, host, resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    host,
    messages,
    lines,
    segments,
    get connections() {
      return connections;
    },
    get open() {
      return sockets.size;
    },
    until(what, seen) {
      if (seen()) return Promise.resolve();
      return new Promise((resolve, reject) => {
        const end = () => {
          clearTimeout(timer);
          watchers.delete(look);
        };
        const look = () => {
          if (!seen()) return;
          end();
          resolve();
        };
        const timer = setTimeout(() => {
          end();
          reject(new Error(`the peer waited in vain for ${what}; it heard ${JSON.stringify(lines)}`));
        }, 5000);
        watchers.add(look);
      });
    },
    async close() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
