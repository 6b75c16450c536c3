/** A name server for tests: answers from a table, by UDP, and remembers what it was asked. */
import { createSocket } from 'node:dgram';
import { decode, encode, type Answer } from 'dns-packet';

export interface Zone {
  /** By name, in small letters. An empty list: the name exists, without records of any kind. */
  readonly [name: string]: readonly ZoneRecord[] | 'servfail' | 'silence';
}

export type ZoneRecord =
  | { readonly type: 'A'; readonly address: string }
  | { readonly type: 'MX'; readonly preference: number; readonly exchange: string };

export interface NameServer {
  readonly port: number;
  /** `MX there.example` */
  readonly questions: readonly string[];
  /** Replaces the table. */
  serve(zone: Zone): void;
  close(): Promise<void>;
}

const servfail = 2;
const nxdomain = 3;
/** Recursion available. */
const answered = 0x80;

export async function openNameServer(first: Zone = {}): Promise<NameServer> {
  let zone = first;
  const questions: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (packet, peer) => {
    const query = decode(packet);
    const [question] = query.questions ?? [];
    if (question === undefined) return;
    const name = question.name.toLowerCase();
    questions.push(`${question.type} ${name}`);
    const found = zone[name];
    if (found === 'silence') return;
    const answers = Array.isArray(found) ? found.filter((one) => one.type === question.type).map((one) => answerOf(question.name, one)) : [];
    const code = found === 'servfail' ? servfail : found === undefined ? nxdomain : 0;
    socket.send(encode({ type: 'response', id: query.id ?? 0, flags: 0x100 | answered | code, questions: [question], answers }), peer.port, peer.address);
  });
  await new Promise<void>((bound) => socket.bind(0, '127.0.0.1', bound));
  return {
    port: socket.address().port,
    questions,
    serve(next) {
      zone = next;
    },
    close: () => new Promise((gone) => socket.close(() => gone())),
  };
}

function answerOf(name: string, record: ZoneRecord): Answer {
  return record.type === 'A' ? { type: 'A', name, ttl: 1, data: record.address } : { type: 'MX', name, ttl: 1, data: { preference: record.preference, exchange: record.exchange } };
}
