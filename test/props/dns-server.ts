/** A DNS server on loopback that answers from a table, or as badly as it is told to. UDP and TCP on one port. */
import { createSocket, type Socket } from 'node:dgram';
import { createServer, type Server } from 'node:net';
import { decode, encode, type Answer, type Packet } from 'dns-packet';

export interface DnsQuestion {
  readonly name: string;
  readonly type: string;
  readonly transport: 'udp' | 'tcp';
  readonly id: number;
  readonly edns: boolean;
  readonly adWanted: boolean;
}

/** What is sent back: parts of a message, raw octets, or nothing at all. */
export type DnsReply =
  | { readonly answers?: readonly Answer[]; readonly authorities?: readonly Answer[]; readonly rcode?: number; readonly ad?: boolean; readonly tc?: boolean; readonly id?: number; readonly question?: { readonly name: string; readonly type: 'A' | 'MX' } }
  | { readonly raw: Buffer }
  | null;

export interface DnsServer {
  readonly host: string;
  readonly port: number;
  readonly asked: readonly DnsQuestion[];
  close(): Promise<void>;
}

const RESPONSE = 0x8000;
const RECURSION = 0x0180;
const AD = 0x20;
const TC = 0x200;

/** Several replies to one UDP question are sent in order. */
export async function openDnsServer(answer: (question: DnsQuestion) => DnsReply | readonly DnsReply[]): Promise<DnsServer> {
  const asked: DnsQuestion[] = [];

  function replies(octets: Buffer, transport: 'udp' | 'tcp'): Buffer[] {
    const query = decode(octets);
    const question = query.questions?.[0];
    const asking: DnsQuestion = {
      name: question?.name ?? '',
      type: question?.type ?? '',
      transport,
      id: query.id ?? 0,
      edns: (query.additionals ?? []).some(rr => rr.type === 'OPT'),
      adWanted: query.flag_ad,
    };
    asked.push(asking);
    const given = answer(asking);
    return (Array.isArray(given) ? (given as readonly DnsReply[]) : [given as DnsReply]).flatMap(reply => {
      if (reply === null) return [];
      return 'raw' in reply ? [reply.raw] : [compose(query, reply)];
    });
  }

  const tcp = createServer(socket => {
    socket.on('error', () => undefined);
    let read = Buffer.alloc(0);
    socket.on('data', chunk => {
      read = Buffer.concat([read, chunk]);
      if (read.length < 2 || read.length < 2 + read.readUInt16BE(0)) return;
      for (const reply of replies(read.subarray(2), 'tcp')) {
        const length = Buffer.alloc(2);
        length.writeUInt16BE(reply.length);
        // Cut where it hurts: between the octets of the length, and in the message.
        socket.write(length.subarray(0, 1));
        setImmediate(() => {
          socket.write(length.subarray(1));
          setImmediate(() => socket.write(reply));
        });
      }
    });
  });
  const udp = await bindBoth(tcp);
  udp.on('message', (octets, from) => {
    for (const reply of replies(octets, 'udp')) udp.send(reply, from.port, from.address);
  });
  return {
    host: '127.0.0.1',
    port: udp.address().port,
    asked,
    async close() {
      await new Promise<void>(resolve => udp.close(() => resolve()));
      await new Promise<void>(resolve => tcp.close(() => resolve()));
    },
  };
}

/** A port that is free for UDP may be somebody's for TCP: then it is another one. Nothing stays open that is not given back. */
async function bindBoth(tcp: Server): Promise<Socket> {
  for (let left = 20; ; left--) {
    const udp = createSocket('udp4');
    await new Promise<void>(resolve => udp.bind(0, '127.0.0.1', resolve));
    try {
      await new Promise<void>((resolve, reject) => {
        tcp.once('error', reject).listen(udp.address().port, '127.0.0.1', () => {
          tcp.off('error', reject);
          resolve();
        });
      });
      return udp;
    } catch (error) {
      await new Promise<void>(resolve => udp.close(() => resolve()));
      if (left === 0) throw error;
    }
  }
}

function compose(query: Packet, reply: Exclude<DnsReply, null | { readonly raw: Buffer }>): Buffer {
  const octets = encode({
    type: 'response',
    id: reply.id ?? query.id ?? 0,
    flags: RECURSION,
    questions: reply.question === undefined ? [...(query.questions ?? [])] : [{ ...reply.question, class: 'IN' }],
    answers: [...(reply.answers ?? [])],
    authorities: [...(reply.authorities ?? [])],
  });
  octets.writeUInt16BE(RESPONSE | RECURSION | (reply.ad === true ? AD : 0) | (reply.tc === true ? TC : 0) | (reply.rcode ?? 0), 2);
  return octets;
}

export const soa = (name: string, minimum: number): Answer => ({
  type: 'SOA', name, ttl: 3600, class: 'IN', data: { mname: `ns.${name}`, rname: `root.${name}`, serial: 1, refresh: 1, retry: 1, expire: 1, minimum },
});
