/** Holds a dialogue with a server and writes down the reply code of each step. */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { clients, type Dialogue, type Step } from './courier-dialogues.ts';

export interface Heard {
  /** As the table of differences names it. */
  readonly step: string;
  readonly said: string;
}

/** In the dialogue of this name each line of the answer to EHLO is a step. */
export const OFFERS = 'what EHLO offers';

const PATIENCE_MS = 15_000;

/** Ends early where the server hangs up, falls silent, or wants no content: what would follow were no dialogue any more. */
export async function converse(port: number, { name, from, steps }: Dialogue): Promise<readonly Heard[]> {
  const line = openLine(connect({ port, host: '127.0.0.1', localAddress: clients[from] }));
  try {
    const heard: Heard[] = [{ step: 'the greeting', said: codeOf(await line.reply()) }];
    for (const step of steps) {
      if (typeof step !== 'string' && 'tls' in step) {
        await line.secure();
        continue;
      }
      const answer = await ask(line, step);
      const shown = shownAs(step);
      if (name === OFFERS && shown.startsWith('EHLO ')) heard.push(...extensionsOf(shown, answer.text));
      heard.push({ step: shown, said: answer.codes });
      if (!/^[2345]/.test(answer.codes.split(' ').at(-1) ?? '') || (shown === 'DATA' && answer.codes !== '354')) break;
    }
    return heard;
  } finally {
    line.close();
  }
}

function shownAs(step: Exclude<Step, { readonly tls: true }>): string {
  return typeof step === 'string' ? step : step.shown;
}

async function ask(line: Line, step: Exclude<Step, { readonly tls: true }>): Promise<{ readonly codes: string; readonly text: string }> {
  line.write(typeof step === 'string' ? `${step}\r\n` : step.write);
  const replies: string[] = [];
  for (let n = 0; n < (typeof step === 'string' ? 1 : step.answers); n++) {
    const reply = await line.reply();
    replies.push(reply);
    if (codeOf(reply) === reply) break;
  }
  return { codes: replies.map(codeOf).join(' '), text: replies.at(-1) ?? '' };
}

function extensionsOf(step: string, reply: string): readonly Heard[] {
  return reply.split('\r\n').slice(1).map(text => text.slice(4)).filter(text => text !== '').map(text => ({ step: `${step} offers ${text}`, said: 'yes' }));
}

/** `closed` and `silence` are their own codes. */
function codeOf(reply: string): string {
  return /^\d{3}/.exec(reply)?.[0] ?? reply;
}

interface Line {
  write(text: string): void;
  reply(): Promise<string>;
  secure(): Promise<void>;
  close(): void;
}

function openLine(plain: Socket): Line {
  let socket = plain;
  let text = '';
  let closed = false;
  let happened = (): void => undefined;
  const listen = (): void => {
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      happened();
    }).on('error', () => undefined).on('close', () => {
      closed = true;
      happened();
    });
  };
  listen();
  return {
    write: octets => void socket.write(octets),
    async reply() {
      const until = Date.now() + PATIENCE_MS;
      for (;;) {
        const whole = /^(?:\d{3}-[^\r\n]*\r?\n)*\d{3}(?: [^\r\n]*)?\r?\n/.exec(text)?.[0];
        if (whole !== undefined) {
          text = text.slice(whole.length);
          return whole;
        }
        if (closed) return 'closed';
        if (Date.now() >= until) return 'silence';
        await new Promise<void>(resolve => {
          const limit = setTimeout(resolve, until - Date.now());
          happened = () => {
            clearTimeout(limit);
            resolve();
          };
        });
      }
    },
    async secure() {
      socket.removeAllListeners();
      const secured = connectTls({ socket, rejectUnauthorized: false });
      socket = secured;
      text = '';
      listen();
      await new Promise<void>((resolve, reject) => {
        secured.once('secureConnect', resolve).once('close', () => reject(new Error('no TLS after STARTTLS')));
      });
    },
    close: () => void socket.destroy(),
  };
}
