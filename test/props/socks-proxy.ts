/** A SOCKSv5 proxy for tests (RFC 1928, RFC 1929): CONNECT only; says who asked for what, and where it led. */
import { connect, createServer, type Socket } from 'node:net';
import { listen } from './ports.ts';

export interface ProxyRequest {
  readonly host: string;
  readonly port: number;
  readonly kind: 'ipv4' | 'name' | 'ipv6';
  readonly login?: string;
}

export interface ProxyOptions {
  readonly credentials?: { readonly login: string; readonly password: string };
  /** Where a request really goes; null refuses it (reply 5). Default: loopback, the port asked for. */
  readonly lead?: (request: ProxyRequest) => number | null;
  /** The code of a reply that refuses; 0: it is led on. */
  readonly refuse?: (request: ProxyRequest) => number;
}

export interface SocksProxy {
  readonly port: number;
  readonly requests: readonly ProxyRequest[];
  close(): Promise<void>;
}

export async function openSocksProxy(options: ProxyOptions = {}): Promise<SocksProxy> {
  const requests: ProxyRequest[] = [];
  const sockets = new Set<Socket>();

  function serve(socket: Socket): void {
    let state: 'methods' | 'login' | 'request' | 'led' = 'methods';
    let login: string | undefined;
    let rest: Buffer = Buffer.alloc(0);
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.on('data', take);

    function take(chunk: Buffer): void {
      rest = Buffer.concat([rest, chunk]);
      while (advance());
    }
    /** One step, when all its octets are there. */
    function advance(): boolean {
      switch (state) {
        case 'methods': {
          const length = 2 + (rest[1] ?? 255);
          if (rest.length < length) return false;
          const wanted = options.credentials === undefined ? 0 : 2;
          const offered = rest.subarray(2, length).includes(wanted);
          rest = rest.subarray(length);
          socket.write(Buffer.from([5, offered ? wanted : 0xff]));
          if (!offered) socket.end();
          state = wanted === 2 ? 'login' : 'request';
          return offered;
        }
        case 'login': {
          const nameEnd = 2 + (rest[1] ?? 255);
          const end = nameEnd + 1 + (rest[nameEnd] ?? 255);
          if (rest.length < end) return false;
          login = rest.toString('utf8', 2, nameEnd);
          const good = login === options.credentials?.login && rest.toString('utf8', nameEnd + 1, end) === options.credentials.password;
          rest = rest.subarray(end);
          socket.write(Buffer.from([1, good ? 0 : 1]));
          if (!good) socket.end();
          state = 'request';
          return good;
        }
        case 'request': {
          const request = readRequest(rest, login);
          if (request === null) return false;
          socket.off('data', take);
          state = 'led';
          lead(request.asked, rest.subarray(request.length));
          return false;
        }
        case 'led':
          return false;
      }
      return false;
    }
    function lead(asked: ProxyRequest, early: Buffer): void {
      requests.push(asked);
      const answer = (code: number): boolean => socket.write(Buffer.from([5, code, 0, 1, 0, 0, 0, 0, 0, 0]));
      const port = options.lead === undefined ? asked.port : options.lead(asked);
      const refused = options.refuse?.(asked) ?? 0;
      if (port === null || refused !== 0) {
        answer(refused === 0 ? 5 : refused);
        socket.end();
        return;
      }
      const onward = connect({ host: '127.0.0.1', port });
      sockets.add(onward);
      onward.once('connect', () => {
        answer(0);
        onward.write(early);
        socket.pipe(onward).pipe(socket);
      });
      onward.on('close', () => {
        sockets.delete(onward);
        socket.destroy();
      });
      onward.on('error', () => {
        if (!socket.destroyed) answer(5);
        socket.end();
      });
      socket.on('close', () => onward.destroy());
    }
  }

  const server = createServer(serve);
  const port = await listen(server);
  return {
    port,
    requests,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((gone) => server.close(gone));
    },
  };
}

function readRequest(octets: Buffer, login: string | undefined): { readonly asked: ProxyRequest; readonly length: number } | null {
  if (octets.length < 5) return null;
  const [kind, from, to] = octets[3] === 3 ? (['name', 5, 5 + octets[4]!] as const) : octets[3] === 1 ? (['ipv4', 4, 8] as const) : (['ipv6', 4, 20] as const);
  if (octets.length < to + 2) return null;
  const address = octets.subarray(from, to);
  const host = kind === 'name' ? address.toString('latin1') : kind === 'ipv4' ? [...address].join('.') : address.toString('hex').replace(/(.{4})(?=.)/g, '$1:');
  return { asked: { host, port: octets.readUInt16BE(to), kind, ...(login === undefined ? {} : { login }) }, length: to + 2 };
}
