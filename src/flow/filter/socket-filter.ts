/** A filter of Courier's socket protocol: paths out, one a line; reply lines back. One connection a message. */
import { connect, type Socket } from 'node:net';
import { after, type Clock } from '../../core/clock.ts';
import type { RecipientId } from '../../core/envelope.ts';
import type { Filter, FilterAnswer, Verdict } from '../../core/policy.ts';
import { ANSWER_OCTETS, parseAnswer, type SocketAnswer } from '../../grammar/filter/answer.ts';
import type { MessageFiles } from './message-files.ts';

export interface SocketFilterOptions {
  readonly name: string;
  readonly path: string;
  readonly whenAbsent: 'pass' | 'defer';
  readonly files: MessageFiles;
  readonly clock: Clock;
}

/** As Courier: the listener's backlog may be full for a moment. */
const TRIES = 5;
const PAUSE_MS = 1000;
const CONNECT_MS = 10_000;
const NO_VERDICTS: ReadonlyMap<RecipientId, Verdict> = new Map();

export function createSocketFilter({ name, path, whenAbsent, files, clock }: SocketFilterOptions): Filter {
  return {
    name,
    whenAbsent,
    async inspect(message, signal) {
      const paths = await files.paths(message);
      const answer = await ask(path, `${paths.join('\n')}\n\n`, clock, signal);
      switch (answer.kind) {
        case 'refused':
          return { kind: 'looked', verdicts: new Map([...message.recipients.keys()].map(id => [id, answer])), addFields: [] };
        case 'pass':
          return { kind: 'looked', verdicts: NO_VERDICTS, addFields: [] };
        case 'final':
          return { kind: 'looked', verdicts: NO_VERDICTS, addFields: [], final: true };
        case 'unreadable':
          return { kind: 'absent', why: answer.line === '' ? 'closed without an answer' : `answered '${answer.line.slice(0, 100)}'` } satisfies FilterAnswer;
        default: {
          const never: never = answer;
          throw new Error(`unknown answer ${JSON.stringify(never)}`);
        }
      }
    },
  };
}

async function ask(path: string, request: string, clock: Clock, signal: AbortSignal): Promise<SocketAnswer> {
  const socket = await reach(path, clock, signal);
  if (signal.aborted) {
    socket.destroy();
    throw new Error('too late');
  }
  const drop = () => socket.destroy(new Error('too late'));
  signal.addEventListener('abort', drop, { once: true });
  try {
    return await new Promise<SocketAnswer>((resolve, reject) => {
      let text = '';
      const look = (ended: boolean) => {
        const answer = text.length > ANSWER_OCTETS ? { kind: 'unreadable' as const, line: text } : parseAnswer(text, ended);
        if (answer !== null) resolve(answer);
      };
      socket.setEncoding('utf8');
      socket.on('data', (chunk: string) => {
        text += chunk;
        look(false);
      });
      socket.on('end', () => look(true));
      socket.on('error', reject);
      socket.on('close', () => look(true));
      socket.write(request);
    });
  } finally {
    signal.removeEventListener('abort', drop);
    socket.destroy();
  }
}

async function reach(path: string, clock: Clock, signal: AbortSignal): Promise<Socket> {
  for (let tries = 1; ; tries++) {
    signal.throwIfAborted();
    try {
      return await connectOnce(path, clock, signal);
    } catch (error) {
      if (tries >= TRIES || !(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
    }
    await clock.sleepUntil(after(clock.now(), PAUSE_MS), signal);
  }
}

async function connectOnce(path: string, clock: Clock, signal: AbortSignal): Promise<Socket> {
  const socket = connect(path);
  const done = new AbortController();
  try {
    return await new Promise<Socket>((resolve, reject) => {
      socket.once('connect', () => {
        socket.removeAllListeners('error');
        resolve(socket);
      });
      socket.once('error', error => {
        socket.on('error', () => undefined);
        reject(error);
      });
      void clock.sleepUntil(after(clock.now(), CONNECT_MS), AbortSignal.any([signal, done.signal])).then(() => {
        if (!done.signal.aborted) socket.destroy(new Error('no connection in time'));
      });
    });
  } finally {
    done.abort();
  }
}
