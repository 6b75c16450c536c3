/** A SOCKSv5 proxy whose answers are told (RFC 1928, RFC 1929); it can speak for the target itself. */
import { createServer, type Socket } from 'node:net';
import { listen } from './ports.ts';

export interface ProxyScript {
  /** Answer to the methods offered; default: 2 with credentials, else 0. */
  readonly method?: number;
  /** Answer to login and password. */
  readonly authStatus?: number;
  /** Octets of the reply to CONNECT; default: success with an IPv4 address. */
  readonly reply?: Buffer;
  /** What the target says, in the same segment as the reply. */
  readonly behind?: string;
  /** Every octet a segment of its own. */
  readonly split?: boolean;
  /** Falls silent, or hangs up, instead of this answer. */
  readonly silentAt?: 'method' | 'auth' | 'reply';
  readonly closeAt?: 'method' | 'auth' | 'reply';
}

export interface ScriptedProxy {
  readonly host: string;
  readonly port: number;
  readonly methods: readonly number[];
  readonly login: string;
  /** The CONNECT request, as `atyp host:port`. */
  readonly request: string;
  /** What came through after the reply. */
  readonly through: string;
  readonly open: number;
  close(): Promise<void>;
}

export const granted = Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
export const replied = (code: number): Buffer => Buffer.from([5, code, 0, 1, 0, 0, 0, 0, 0, 0]);

export async function openScriptedProxy(script: ProxyScript = {}): Promise<ScriptedProxy> {
  const seen = { methods: [] as number[], login: '', request: '', through: '' };
  const sockets = new Set<Socket>();
  const server = createServer(socket => {
    let read = Buffer.alloc(0);
    let step: 'method' | 'auth' | 'reply' | 'through' = 'method';
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.on('data', chunk => {
      read = Buffer.concat([read, chunk]);
      while (advance());
    });
    function advance(): boolean {
      if (step === 'method') {
        const length = 2 + (read[1] ?? 255);
        if (read.length < length) return false;
        seen.methods = [...read.subarray(2, length)];
        const method = script.method ?? (seen.methods.includes(2) ? 2 : 0);
        return answer(length, Buffer.of(5, method), method === 2 ? 'auth' : 'reply');
      }
      if (step === 'auth') {
        const user = read[1] ?? 255;
        const length = 3 + user + (read[2 + user] ?? 255);
        if (read.length < length) return false;
        seen.login = `${read.toString('utf8', 2, 2 + user)}:${read.toString('utf8', 3 + user, length)}`;
        return answer(length, Buffer.of(1, script.authStatus ?? 0), 'reply');
      }
      if (step === 'reply') {
        const atyp = read[3];
        const address = atyp === 1 ? 4 : atyp === 4 ? 16 : 1 + (read[4] ?? 255);
        if (read.length < 6 + address) return false;
        const host = atyp === 3 ? read.toString('utf8', 5, 4 + address) : read.subarray(4, 4 + address).toString('hex');
        seen.request = `${atyp} ${host}:${read.readUInt16BE(4 + address)}`;
        return answer(6 + address, Buffer.concat([script.reply ?? granted, Buffer.from(script.behind ?? '')]), 'through');
      }
      seen.through += read.toString('latin1');
      read = Buffer.alloc(0);
      return false;
    }
    function answer(length: number, octets: Buffer, next: typeof step): boolean {
      read = read.subarray(length);
      const here = step as 'method' | 'auth' | 'reply';
      step = next;
      if (script.closeAt === here) return !socket.destroy();
      if (script.silentAt === here) return false;
      if (script.split === true) for (const octet of octets) socket.write(Buffer.of(octet));
      else socket.write(octets);
      return true;
    }
  });
  const port = await listen(server);
  return {
    host: '127.0.0.1',
    port,
    get methods() {
      return seen.methods;
    },
    get login() {
      return seen.login;
    },
    get request() {
      return seen.request;
    },
    get through() {
      return seen.through;
    },
    get open() {
      return sockets.size;
    },
    async close() {
      const gone = new Promise(resolve => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await gone;
    },
  };
}
