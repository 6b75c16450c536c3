/**
 * Runs test/dialog/*.dialog. A file holds dialogs, each under `== its name`; what stands before the first is for all.
 *
 *   with: name=value …     the listener's settings (see `settings` below)
 *   C: line                we say it, CRLF added        C!: octets with \r \n \0 \t \xHH \\ and {{n*text}}
 *   C-scram: mechanism login password [gs2 flag]   AUTH, its answer read, and the proof; C-scram-end: checks what comes back
 *   C-cram: login password [digest]   the answer to the challenge last heard
 *   S: pattern             a line that must come; `*` any text, `?` one character; `a ... b`: lines, the first like a,
 *                          up to and with the first like b
 *   has: / lacks: text     a line of the last reply, without its code, is (not) exactly this
 *   TLS  EOF  WAIT: ms     we start TLS; we close our side; the clock moves
 *   closed                 the server closes, with nothing more said
 *   queued: n  body-is:  body-contains:  from:  rcpt:  protocol:  remote:  relay-client:  mail:  options:  logged:  bugs: n
 *   failures: address login, …   what was counted against whom
 *   not: octets|segment    this dialog makes no sense with our octets sent one by one, or all in one segment
 *
 * Every dialog runs as written, with our octets one by one, and with all that we say in one segment.
 */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import type { Mechanism } from '../../src/grammar/sasl/mechanisms.ts';
import { createScramClient, type ScramClient } from './scram-client.ts';
import { createFailureBook, createOneAccount, createSmallDirectory, openReceiveBox, type BoxOptions, type ReceiveBox } from './receive-box.ts';

export type Way = 'as written' | 'octets' | 'segment';
export const ways: readonly Way[] = ['as written', 'octets', 'segment'];

interface Step {
  readonly word: string;
  readonly rest: string;
  readonly line: number;
}

export interface Dialog {
  readonly name: string;
  readonly file: string;
  readonly steps: readonly Step[];
  readonly notWays: ReadonlySet<string>;
}

const WORDS = new Set(['with', 'C', 'C!', 'C-cram', 'C-scram', 'C-scram-end', 'failures', 'S', 'has', 'lacks', 'TLS', 'EOF', 'WAIT', 'closed', 'queued', 'body-is', 'body-contains',
  'from', 'rcpt', 'protocol', 'remote', 'relay-client', 'mail', 'options', 'logged', 'bugs', 'not']);
const PATIENCE_MS = 10_000; // a reply that does not come is a failed test, not a hanging one
/** Octet by octet is a turn of the event loop each; longer input goes in sevenths. */
const OCTET_WISE = 20_000;

export function readDialogs(file: string): Dialog[] {
  const dialogs: Dialog[] = [];
  const first: Step[] = [];
  let name = '';
  let steps = first;
  const finish = () => {
    if (name === '') return;
    const all = [...first, ...steps];
    dialogs.push({ name, file, steps: all, notWays: new Set(all.filter(step => step.word === 'not').map(step => step.rest)) });
  };
  readFileSync(file, 'utf8').split('\n').forEach((text, at) => {
    if (text.startsWith('#') || text.trim() === '') return;
    if (text.startsWith('== ')) {
      finish();
      name = text.slice(3).trim();
      steps = [];
      return;
    }
    const found = /^([\w!-]+)(?::(?: (.*))?)?$/.exec(text);
    const word = found?.[1] ?? '';
    if (!WORDS.has(word)) throw new Error(`${file}:${at + 1}: not a step: ${text}`);
    steps.push({ word, rest: found?.[2] ?? '', line: at + 1 });
  });
  finish();
  return dialogs;
}

function unescape(text: string): Buffer {
  const repeated = text.replaceAll(/\{\{(\d+)\*(.*?)\}\}/g, (_, n: string, what: string) => what.repeat(Number(n)));
  const octets = repeated.replaceAll(/\\(r|n|0|t|\\|x[0-9A-Fa-f]{2})/g, (_, code: string) =>
    ({ r: '\r', n: '\n', 0: '\0', t: '\t', '\\': '\\' })[code] ?? String.fromCharCode(0xf700 + Number.parseInt(code.slice(1), 16)));
  // \xHH is an octet, other characters are UTF-8.
  return Buffer.concat(Array.from(octets, char => {
    const point = char.codePointAt(0) as number;
    return point >= 0xf700 && point <= 0xf7ff ? Buffer.from([point - 0xf700]) : Buffer.from(char);
  }));
}

function matches(pattern: string, line: string): boolean {
  const source = pattern.trim().replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`).replaceAll('*', '.*').replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(line);
}

const fixtures = join(import.meta.dirname, '../dialog');

function settings(steps: readonly Step[]): BoxOptions {
  const limits: Record<string, number> = {};
  const variables: Record<string, string> = {};
  const listener: Record<string, unknown> = { limits };
  const options: Record<string, unknown> = { variables, listener };
  for (const { rest } of steps.filter(step => step.word === 'with')) {
    const [, name = '', value = ''] = /^([^=]+)(?:=(.*))?$/.exec(rest) ?? [];
    const words = () => value.split(' ').filter(word => word !== '') as Mechanism[];
    if (name.startsWith('limit.')) limits[name.slice(6)] = Number(value);
    else if (name.startsWith('var.')) variables[name.slice(4)] = value;
    else if (name === 'tls') listener['tls'] = testTls();
    else if (name === 'devices') listener['forDevices'] = true;
    else if (name === 'auth') options['auth'] = createOneAccount();
    else if (name === 'mechanisms' || name === 'mechanismsTls') listener[name] = words();
    else if (name === 'failures') options['failures'] = createFailureBook();
    else if (['proxyFrom', 'xclientFrom', 'xforwardFrom'].includes(name)) listener[name] = { has: (address: string) => value.split(' ').includes(address) };
    else if (name === 'header') continue; // said in the clear, before TLS
    else if (name === 'directory') options['directory'] = createSmallDirectory();
    else if (name === 'greeting') options['greeting'] = unescape(value).toString();
    else if (name === 'reverse') options['reverse'] = async () => (value === '' ? { kind: 'none' } : { kind: 'found', name: value });
    else if (name === 'turned-away') options['admission'] = { admit: () => ({ kind: 'refused', reply: Number(value.slice(0, 3)), status: '5.7.1', text: value.slice(4) }) };
    else if (['tarpit', 'requireAuth', 'requireTls'].includes(name)) listener[name] = value !== 'no';
    else if (name === 'bannerWaitMs') listener[name] = Number(value);
    else if (['bareLineEnds', 'kind', 'authRelayClient'].includes(name)) listener[name] = value;
    else throw new Error(`no setting ${name}`);
  }
  return { ...options, listener };
}

export function testTls(): { readonly key: Buffer; readonly cert: Buffer } {
  return { key: readFileSync(join(fixtures, 'mx.here.example.key.pem')), cert: readFileSync(join(fixtures, 'mx.here.example.cert.pem')) };
}

export async function runDialog(dialog: Dialog, way: Way): Promise<void> {
  const box = await openReceiveBox(settings(dialog.steps));
  const header = dialog.steps.find(step => step.word === 'with' && step.rest.startsWith('header='))?.rest.slice('header='.length);
  const client = new Client(connect(box.port, '127.0.0.1'), dialog.steps.some(step => step.word === 'with' && step.rest === 'kind=smtps'), way);
  try {
    await client.ready(header);
    for (const step of way === 'segment' ? inSegments(dialog.steps) : dialog.steps) {
      try {
        await take(box, client, step);
      } catch (cause) {
        const said = cause instanceof Error ? cause.message : String(cause);
        throw new Error(`${dialog.file}:${step.line}: ${step.word}: ${step.rest}\n${said}`, { cause });
      }
    }
    assert.deepEqual(client.unread(), [], 'said more than was expected');
  } finally {
    client.close();
    await box.close();
  }
  assert.equal(box.kernels.open, 0, 'a reception was not given back');
  if (!dialog.steps.some(step => step.word === 'bugs')) assert.deepEqual(box.lines.filter(line => line.level === 'error'), []);
}

function octetsOf({ word, rest }: Step): Buffer {
  return word === 'C' ? Buffer.from(`${rest}\r\n`) : unescape(rest);
}

/** What we say up to the next thing that is neither talk nor answer goes first, in one piece; then the answers. */
function inSegments(steps: readonly Step[]): Step[] {
  const out: Step[] = [];
  let said: Step[] = [];
  let heard: Step[] = [];
  const flush = () => {
    const first = said[0];
    if (first !== undefined) {
      const octets = Buffer.concat(said.map(octetsOf));
      out.push({ word: 'C!', rest: [...octets].map(octet => `\\x${octet.toString(16).padStart(2, '0')}`).join(''), line: first.line });
    }
    out.push(...heard);
    said = [];
    heard = [];
  };
  for (const step of steps) {
    if (step.word === 'C' || step.word === 'C!') said.push(step);
    else if (['S', 'has', 'lacks'].includes(step.word)) heard.push(step);
    else {
      flush();
      out.push(step);
    }
  }
  flush();
  return out;
}

async function take(box: ReceiveBox, client: Client, step: Step): Promise<void> {
  const { word, rest } = step;
  const last = box.kept.at(-1);
  switch (word) {
    case 'with':
    case 'not':
      return;
    case 'C':
      return client.say(octetsOf(step));
    case 'C!':
      return client.say(octetsOf(step));
    case 'C-cram':
      return client.say(Buffer.from(`${client.cram(rest)}\r\n`));
    case 'C-scram':
      return client.say(Buffer.from(await client.scram(rest)));
    case 'C-scram-end':
      return client.say(Buffer.from(await client.scramEnd()));
    case 'failures':
      assert.equal(box.failures.join(', '), rest);
      return;
    case 'S':
      return client.expect(rest);
    case 'has':
      assert.ok(client.lastReply.includes(rest), `got ${client.lastReply.join(' | ')}`);
      return;
    case 'lacks':
      assert.ok(!client.lastReply.includes(rest), `got ${client.lastReply.join(' | ')}`);
      return;
    case 'TLS':
      return client.startTls();
    case 'EOF':
      return client.finish();
    case 'WAIT':
      // What was said must have arrived before the clock moves.
      for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve));
      return box.clock.advance(Number(rest));
    case 'closed':
      return client.expectClosed();
    case 'queued':
      assert.equal(box.kept.length, Number(rest));
      return;
    case 'body-is':
      assert.equal(last?.body.toString('latin1'), unescape(rest).toString('latin1'));
      return;
    case 'body-contains':
      assert.ok(last?.body.includes(unescape(rest)), last?.body.toString('latin1').slice(0, 2000));
      return;
    case 'from':
      assert.equal(last?.reversePath ?? '', rest);
      return;
    case 'rcpt':
      assert.equal(last?.recipients.map(one => one.address).join(' '), rest);
      return;
    case 'options':
      assert.equal(JSON.stringify(last?.recipients.map(one => one.options)), rest);
      return;
    case 'mail':
      assert.equal(JSON.stringify(last?.mail), rest);
      return;
    case 'remote': {
      const { remoteAddress, remotePort, remoteName, localAddress, helo, login } = last?.origin ?? {};
      assert.equal(JSON.stringify({ remoteAddress, ...(rest.includes('remotePort') ? { remotePort } : {}), remoteName, localAddress, helo, login }), rest);
      return;
    }
    case 'protocol':
      assert.equal(last?.origin.protocol, rest);
      return;
    case 'relay-client':
      assert.equal(JSON.stringify(last?.origin.relayClient ?? null), rest);
      return;
    case 'logged':
      assert.ok(box.lines.some(line => matches(rest, JSON.stringify(line.fields))), box.lines.map(line => JSON.stringify(line.fields)).join('\n'));
      return;
    case 'bugs':
      assert.equal(box.lines.filter(line => line.level === 'error').length, Number(rest));
      return;
    default:
      throw new Error(`${word} is not a step`);
  }
}

class Client {
  #socket: Socket;
  readonly #way: Way;
  readonly #smtps: boolean;
  #heard = '';
  #lines: string[] = [];
  #closed = false;
  #scram: ScramClient | null = null;
  #wake: (() => void) | null = null;
  lastReply: string[] = [];

  constructor(socket: Socket, smtps: boolean, way: Way) {
    this.#socket = socket.setNoDelay(true);
    this.#smtps = smtps;
    this.#way = way;
    socket.on('error', () => undefined);
  }

  async ready(header?: string): Promise<void> {
    await once(this.#socket, 'connect');
    if (header !== undefined) this.#socket.write(`${header}\r\n`);
    if (this.#smtps) return this.startTls();
    this.#listen(this.#socket);
  }

  #listen(socket: Socket): void {
    socket.on('error', () => undefined);
    socket.on('data', chunk => {
      this.#heard += chunk.toString('utf8');
      const lines = this.#heard.split('\r\n');
      this.#heard = lines.pop() as string;
      this.#lines.push(...lines);
      this.#wake?.();
    });
    socket.on('close', () => {
      this.#closed = true;
      this.#wake?.();
    });
    socket.on('end', () => {
      this.#closed = true;
      this.#wake?.();
    });
  }

  async say(octets: Buffer): Promise<void> {
    if (this.#way !== 'octets') {
      this.#socket.write(octets);
      return;
    }
    const step = octets.length > OCTET_WISE ? 7919 : 1;
    for (let at = 0; at < octets.length && !this.#closed; at += step) {
      this.#socket.write(octets.subarray(at, at + step));
      await new Promise(resolve => setImmediate(resolve));
    }
  }

  async #line(): Promise<string> {
    const until = Date.now() + PATIENCE_MS;
    while (this.#lines.length === 0) {
      assert.ok(!this.#closed, 'the server closed');
      assert.ok(Date.now() < until, 'no answer');
      await this.#event(until - Date.now());
    }
    return this.#lines.shift() as string;
  }

  #event(ms: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
    });
  }

  async expect(pattern: string): Promise<void> {
    const patterns = pattern.split(/\s+\.\.\.\s+/);
    const lines: string[] = [await this.#line()];
    assert.ok(matches(patterns[0] as string, lines[0] as string), `heard ${lines[0]}`);
    while (patterns.length > 1 && !matches(patterns.at(-1) as string, lines.at(-1) as string)) lines.push(await this.#line());
    this.lastReply = lines.map(line => line.slice(4));
  }

  async expectClosed(): Promise<void> {
    const until = Date.now() + PATIENCE_MS;
    while (!this.#closed) {
      assert.ok(Date.now() < until, 'the server did not close');
      await this.#event(until - Date.now());
    }
    assert.deepEqual(this.#lines, []);
  }

  cram(rest: string): string {
    const [login = '', password = '', digest = 'md5'] = rest.split(' ');
    const challenge = Buffer.from(this.lastReply[0] ?? '', 'base64');
    return Buffer.from(`${login} ${createHmac(digest, password).update(challenge).digest('hex')}`).toString('base64');
  }

  /** `login password`, with the flag that the mechanism asks for or another. */
  async scram(rest: string): Promise<string> {
    const [mechanism = '', login = '', password = '', flag = mechanism.endsWith('-PLUS') ? 'p=tls-exporter' : 'n'] = rest.split(' ');
    this.#scram = createScramClient({ mechanism, login, password, flag, socket: this.#socket });
    await this.say(Buffer.from(`AUTH ${mechanism} ${this.#scram.first}\r\n`));
    return `${this.#scram.final((await this.#line()).replace(/^334 /, ''))}\r\n`;
  }

  async scramEnd(): Promise<string> {
    assert.ok(this.#scram?.serverIsRight((await this.#line()).replace(/^334 /, '')), 'the server has not proved that it knows the password');
    return '\r\n';
  }

  async startTls(): Promise<void> {
    this.#socket.removeAllListeners('data').removeAllListeners('end').removeAllListeners('close');
    const secure = connectTls({ socket: this.#socket, rejectUnauthorized: false, servername: 'mx.here.example' });
    await once(secure, 'secureConnect');
    this.#socket = secure;
    this.#listen(secure);
  }

  async finish(): Promise<void> {
    this.#socket.end();
  }

  unread(): string[] {
    return this.#heard === '' ? this.#lines : [...this.#lines, this.#heard];
  }

  close(): void {
    this.#socket.destroy();
  }
}
