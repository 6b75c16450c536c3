import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { afterEach, describe, it } from 'node:test';
import type { Intake } from '../../../src/core/intake.ts';
import { refuse, type Refusal } from '../../../src/core/status.ts';
import type { ReverseName } from '../../../src/flow/receive/index.ts';
import { testTls } from '../../props/dialog.ts';
import { boxOptions, createOneAccount, openReceiveBox, randomText, type BoxOptions, type ReceiveBox } from '../../props/receive-box.ts';
import { eventually } from '../../props/within.ts';

const GREET = 'EHLO client.example\r\n';
const ENVELOPE = 'MAIL FROM:<a@client.example>\r\nRCPT TO:<b@here.example>\r\nDATA\r\n';
const open: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

async function box(options: BoxOptions = {}): Promise<ReceiveBox> {
  const opened = await openReceiveBox(options);
  open.push(() => opened.close());
  return opened;
}

class Caller {
  readonly socket: Socket;
  heard = '';
  closed = false;
  #waiting: (() => void) | null = null;

  constructor(port: number, host = '127.0.0.1') {
    this.socket = connect(port, host);
    const wake = () => this.#waiting?.();
    this.socket.on('data', chunk => {
      this.heard += chunk.toString('latin1');
      wake();
    });
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.closed = true;
      wake();
    });
    open.push(async () => void this.socket.destroy());
  }

  say(text: string | Buffer): this {
    this.socket.write(text);
    return this;
  }

  async until(done: () => boolean): Promise<this> {
    while (!done()) await new Promise<void>(resolve => (this.#waiting = resolve));
    return this;
  }

  hears(pattern: RegExp): Promise<this> {
    return this.until(() => {
      assert.ok(!this.closed || pattern.test(this.heard), `closed after: ${this.heard}`);
      return pattern.test(this.heard);
    });
  }

  ends(): Promise<this> {
    return this.until(() => this.closed);
  }
}

/** For what leaves no trace on the wire. */
function settle(done: () => boolean): Promise<void> {
  return eventually(10_000, 'what leaves no trace', done);
}

describe('receiver', () => {
  it('turns away the connection past a limit, and takes the next when one has left', async () => {
    const { port, lines, metrics } = await box({ listener: { limits: { perAddress: 1 } } });
    const first = await new Caller(port).hears(/^220 /);
    const second = await new Caller(port).ends();
    assert.match(second.heard, /^421 /);
    await new Caller(port).ends();
    assert.equal(lines.filter(line => line.event === 'too many connections').length, 1, 'once a minute is enough');
    first.say('QUIT\r\n').socket.end();
    await first.ends();
    await settle(() => metrics.value('posthorn_receive_sessions') === 0);
    await new Caller(port).hears(/^220 /);
  });

  it('gives a place away at QUIT, whether or not the client ever closes; what it was told arrives whole', async () => {
    const { port } = await box({ listener: { limits: { idleCommands: 1e9, perAddress: 1 } } });
    const caller = new Caller(port);
    caller.socket.allowHalfOpen = true;
    caller.say(`${GREET}${'HELP\r\n'.repeat(2000)}QUIT\r\n`);
    await caller.hears(/221 2\.0\.0 Bye\.\r\n$/);
    assert.equal(caller.heard.match(/^214 /gm)?.length, 2000);
    await eventually(5000, 'the place', async () => (await new Caller(port).hears(/^(?:220|421) /)).heard.startsWith('220'));
    assert.equal(caller.closed, false);
  });

  it('says once a minute that nearly all places are taken', async () => {
    const { port, lines } = await box({ listener: { limits: { connections: 8, perAddress: 20, perBlock: 20 } } });
    for (let n = 0; n < 8; n++) await new Caller(port).hears(/^220 /);
    assert.deepEqual(lines.filter(line => line.event === 'nearly all connections').map(({ fields }) => fields), [{ of: 8, now: 7 }]);
  });

  it('lets more come from where the access file says so', async () => {
    const { port } = await box({ listener: { limits: { perAddress: 1, perBlock: 1 } }, variables: { MAXCPERIP: '2' } });
    await new Caller(port).hears(/^220 /);
    await new Caller(port).hears(/^220 /);
    assert.match((await new Caller(port).ends()).heard, /^421 /);
  });

  it('defers when the admission throws', async () => {
    const { port, lines } = await box({ admission: { admit: () => { throw new Error('a bug'); } } });
    assert.match((await new Caller(port).ends()).heard, /^421 /);
    assert.deepEqual(lines.map(line => line.event).filter(event => event === 'bug'), ['bug']);
  });

  it('hangs up without a word, and says in the log why, where the admission has no text', async () => {
    const { port, lines, intake } = await box({ admission: { admit: () => refuse('accessDenied', { text: '', why: 'dropped' }) } });
    assert.equal((await new Caller(port).ends()).heard, '');
    assert.deepEqual(lines.map(({ event, fields }) => [event, fields['relay'], fields['why']]), [['error', '127.0.0.1', 'dropped']]);
    assert.equal(intake.opened, 0);
  });

  it('withholds the banner until it is known whether the client may stay, and what was said too early is kept or never read', async () => {
    const answers = [Promise.withResolvers<Refusal | null>(), Promise.withResolvers<Refusal | null>(), Promise.withResolvers<Refusal | null>()];
    let next = 0;
    const { port, lines, intake, metrics } = await box({ admission: { admit: () => ({ kind: 'admitted', variables: new Map(), pending: answers[next++]?.promise ?? Promise.resolve(null) }) } });
    const callers: Caller[] = [];
    for (let n = 1; n <= 3; n++) {
      callers.push(new Caller(port).say(`${GREET}${ENVELOPE}`));
      await settle(() => metrics.value('posthorn_receive_sessions') === n);
    }
    const [welcome, dropped, refused] = callers as [Caller, Caller, Caller];
    answers[1]?.resolve(refuse('accessDenied', { text: '', why: 'dropped' }));
    answers[2]?.resolve(refuse('accessDenied'));
    assert.equal((await dropped.ends()).heard, '');
    await refused.hears(/^554 Access denied\r\n/);
    assert.equal(intake.opened, 0);
    assert.equal(welcome.heard, '');
    answers[0]?.resolve(null);
    await welcome.hears(/^220 [^]*354/);
    assert.ok(lines.some(({ fields }) => fields['why'] === 'dropped'));
  });

  it('writes the dialogue into the log where that is asked for, without secrets and content', async () => {
    const { port, lines } = await box({ listener: { logsDialogue: true, mechanisms: ['PLAIN', 'LOGIN'] }, auth: createOneAccount() });
    const caller = await new Caller(port).hears(/^220 /);
    await caller.say(`${GREET}AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n`).hears(/235/);
    await caller.say('RSET\r\nMAIL FROM:<a@client.example>\r\nRCPT TO:<b@here.example>\r\nDATA\r\n').hears(/354/);
    await caller.say('Subject: hidden\r\n\r\nhidden\r\n.\r\nQUIT\r\n').hears(/221/);
    const dialogue = lines.filter(({ event }) => event === 'dialogue').map(({ fields }) => (typeof fields['said'] === 'string' ? `> ${fields['said']}` : `< ${String(fields['answered'])}`));
    assert.equal(dialogue[0], '< 220 mx.here.example ESMTP');
    for (const line of ['> EHLO client.example', '> AUTH PLAIN (not shown)', '< 250-PIPELINING', '> RCPT TO:<b@here.example>', '> QUIT']) assert.ok(dialogue.includes(line), line);
    assert.doesNotMatch(dialogue.join('\n'), /AHRpbQB0|hidden/);
    const other = await new Caller(port).hears(/^220 /);
    await other.say(`${GREET}AUTH LOGIN\r\ndGlt\r\ndGFuc3RhYWZ0YW5zdGFhZg==\r\n`).hears(/235/);
    assert.doesNotMatch(lines.map(({ fields }) => JSON.stringify(fields)).join('\n'), /dGlt|dGFuc3RhYW/);
  });

  it('asks again about the client that XCLIENT names, and waits for the answer as at the door', async () => {
    const late = Promise.withResolvers<Refusal | null>();
    const { port, lines } = await box({
      listener: { xclientFrom: { has: () => true } },
      admission: { admit: ({ remoteAddress }) => ({ kind: 'admitted', variables: new Map(), ...(remoteAddress === '192.0.2.7' ? { pending: late.promise } : {}) }) },
    });
    const relay = await new Caller(port).hears(/^220 /);
    await relay.say('XCLIENT ADDR=192.0.2.8\r\n').hears(/220 [^]*220 /);
    relay.say('XCLIENT ADDR=192.0.2.7\r\nEHLO client.example\r\n');
    late.resolve(refuse('accessDenied', { text: '', why: 'dropped' }));
    assert.match((await relay.ends()).heard, /\r\n421 4\.7\.1 Access denied\r\n$/, 'the relay in front hears why');
    assert.ok(lines.some(({ fields }) => fields['why'] === 'dropped' && fields['relay'] === '192.0.2.7'));
  });

  it('forgets the transaction of a client that leaves in the middle of the content', async () => {
    const { port, intake, kernels, metrics, kept } = await box();
    const caller = await new Caller(port).say(`${GREET}${ENVELOPE}half a mess`).hears(/354 /);
    await settle(() => kernels.open === 1);
    caller.socket.resetAndDestroy();
    await settle(() => metrics.value('posthorn_receive_sessions') === 0);
    assert.deepEqual([intake.aborted, kernels.open, kept.length], [1, 0, 0]);
  });

  it('does not abort a message that the queue is taking when the client leaves', async () => {
    const { port, intake, kept } = await box();
    const caller = await new Caller(port).say(`${GREET}${ENVELOPE}`).hears(/354 /);
    caller.say('whole\r\n.\r\n');
    caller.socket.destroySoon();
    await settle(() => kept.length === 1);
    assert.equal(intake.aborted, 0);
  });

  it('opens nothing for a client that left while the intake was thinking', async () => {
    let answer: (() => void) | null = null;
    let aborted = 0;
    const intake: Intake = {
      open: () => new Promise(resolve => {
        answer = () => resolve({ kind: 'open', mail: () => assert.fail('asked'), rcpt: () => assert.fail('asked'), data: () => assert.fail('asked'), abort: () => aborted++ });
      }),
    };
    const { port, metrics } = await box({ intake });
    const caller = await new Caller(port).say(`${GREET}MAIL FROM:<a@client.example>\r\n`).hears(/250 DSN/);
    await settle(() => answer !== null);
    caller.socket.resetAndDestroy();
    await settle(() => metrics.value('posthorn_receive_sessions') === 0);
    (answer as (() => void) | null)?.();
    await settle(() => aborted === 1);
  });

  it('holds the socket back while the writer asks to wait, and keeps the order', async () => {
    const text = randomText(2_000_000).toString('latin1').replaceAll(/^\./gm, 'x');
    let waiting: (() => void) | null = null;
    let written = 0;
    const pieces: Uint8Array[] = [];
    const { port } = await box({
      listener: { limits: { sizeOctets: 0 } },
      intake: {
        open: () => ({
          kind: 'open', mail: () => ({ kind: 'taken' }), rcpt: () => ({ kind: 'taken' }), abort: () => undefined,
          data: () => ({
            kind: 'writer',
            write(chunk) {
              written += chunk.length;
              pieces.push(chunk);
              return new Promise(resolve => (waiting = resolve));
            },
            end: async () => ({ kind: 'queued', id: 'Q1' as never, refused: new Map() }),
          }),
        }),
      },
    });
    const caller = await new Caller(port).say(`${GREET}${ENVELOPE}`).hears(/354 /);
    caller.say(`${text}\r\n.\r\n`);
    await settle(() => waiting !== null);
    for (let turn = 0; turn < 200; turn++) await new Promise(resolve => setImmediate(resolve));
    assert.ok(written < 200_000, `${written} octets taken while asked to wait`);
    while (!/250 2.0.0 Ok. Q1/.test(caller.heard)) {
      (waiting as (() => void) | null)?.();
      waiting = null;
      await new Promise(resolve => setImmediate(resolve));
    }
    assert.equal(Buffer.concat(pieces).toString('latin1'), `${text}\r\n`);
  });

  it('stops reading commands from a client that does not read the replies', async () => {
    const { port, metrics } = await box({ listener: { limits: { idleCommands: 1e9 } } });
    const caller = new Caller(port);
    caller.socket.pause();
    await once(caller.socket, 'connect');
    let taken = true;
    for (let n = 0; n < 2000 && taken; n++) {
      caller.socket.write('HELP\r\n'.repeat(2000));
      for (let turn = 0; turn < 10; turn++) await new Promise(resolve => setImmediate(resolve));
      taken = caller.socket.writableLength < 1_000_000;
    }
    assert.ok(!taken, 'everything was taken');
    assert.equal(metrics.value('posthorn_receive_sessions'), 1);
  });

  it('says 421 to idle sessions when it closes, and lets a message under way be queued first', async () => {
    const { port, receiver, kept } = await box();
    const idle = await new Caller(port).hears(/^220 /);
    const busy = await new Caller(port).say(`${GREET}${ENVELOPE}half`).hears(/354 /);
    const closed = receiver.close({ graceMs: 60_000 });
    await idle.ends();
    assert.match(idle.heard, /421 4\.3\.2 /);
    busy.say(' and half\r\n.\r\n');
    await busy.ends();
    assert.match(busy.heard, /250 2\.0\.0 Ok\. Q1\r\n421 4\.3\.2 /);
    await closed;
    assert.equal(kept.length, 1);
    await assert.rejects(once(connect(port, '127.0.0.1'), 'connect'));
  });

  it('cuts what is left when its patience is over', async () => {
    const { port, receiver, clock, intake } = await box();
    const busy = await new Caller(port).say(`${GREET}${ENVELOPE}half`).hears(/354 /);
    const closed = receiver.close({ graceMs: 5000 });
    await clock.advance(5000);
    await closed;
    await busy.ends();
    assert.equal(intake.aborted, 1);
  });

  it('does not let a tarpit hold the close, or anyone else', async () => {
    const { port, receiver } = await box({ listener: { tarpit: true } });
    const held = await new Caller(port).say('BOGUS\r\nNOOP\r\n').hears(/500 /);
    const other = await new Caller(port).say('NOOP\r\n').hears(/250 /);
    assert.doesNotMatch(held.heard, /250 /);
    await receiver.close({ graceMs: 60_000 });
    await Promise.all([held.ends(), other.ends()]);
    assert.match(held.heard, /421 /);
  });

  it('reloads for sessions to come, and leaves those under way as they are', async () => {
    const opened = await box();
    const before = await new Caller(opened.port).hears(/^220 mx\.here\.example ESMTP/);
    const { intake, clock, metrics, kernels } = opened;
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
    opened.receiver.reload(boxOptions({ greeting: 'new words', listener: { tls: testTls() } }, { intake, clock, log, metrics, kernels }));
    const after = await new Caller(opened.port).hears(/^220 mx\.here\.example new words/);
    assert.match((await after.say(GREET).hears(/250 DSN/)).heard, /250-STARTTLS/);
    assert.doesNotMatch((await before.say(GREET).hears(/250 DSN/)).heard, /250-STARTTLS/);
  });

  it('takes a new certificate, also where there was none, and keeps the old for a bad one', async () => {
    const { port, receiver } = await box();
    const offers = async () => (await new Caller(port).say(`${GREET}QUIT\r\n`).ends()).heard.includes('250-STARTTLS');
    assert.equal(await offers(), false);
    receiver.updateTls(testTls());
    assert.equal(await offers(), true);
    assert.throws(() => receiver.updateTls({ key: 'no key', cert: 'no certificate' }));
    const caller = await new Caller(port).say('STARTTLS\r\n').hears(/220 2/);
    caller.socket.removeAllListeners('data');
    const secure = connectTls({ socket: caller.socket, rejectUnauthorized: false });
    await once(secure, 'secureConnect');
    assert.equal(secure.getPeerCertificate().subject.CN, 'mx.here.example');
    secure.destroy();
  });

  it('logs a handshake that fails, and gives the place back', async () => {
    const { port, lines, metrics } = await box({ listener: { tls: testTls() } });
    const caller = await new Caller(port).say('STARTTLS\r\n').hears(/220 2/);
    caller.say('this is no ClientHello\r\n');
    await caller.ends();
    await settle(() => metrics.value('posthorn_receive_sessions') === 0);
    assert.ok(lines.some(line => line.event === 'error' && String(line.fields['why']).startsWith('TLS: ')));
  });

  it('outlives clients that break off a handshake by a reset', async () => {
    const { port, metrics } = await box({ listener: { tls: testTls(), limits: { perAddress: 50, perBlock: 50 } } });
    for (const broken of ['', 'this is no ClientHello\r\n', '\u0016\u0003\u0001']) {
      const callers = await Promise.all(Array.from({ length: 10 }, () => new Caller(port).say('STARTTLS\r\n').hears(/220 2/)));
      for (const caller of callers) {
        if (broken !== '') caller.say(broken);
        caller.socket.resetAndDestroy();
      }
      await settle(() => metrics.value('posthorn_receive_sessions') === 0);
    }
    // An error that nobody listened to would have ended the process, and this with it.
    await new Caller(port).hears(/^220 /);
  });

  it('gives the place back after STARTTLS', async () => {
    const { port, metrics } = await box({ listener: { tls: testTls(), limits: { perAddress: 1 } } });
    for (let visit = 0; visit < 3; visit++) {
      const caller = await new Caller(port).say('STARTTLS\r\n').hears(/220 2/);
      caller.socket.removeAllListeners('data');
      const secure = connectTls({ socket: caller.socket, rejectUnauthorized: false });
      await once(secure, 'secureConnect');
      secure.write('QUIT\r\n');
      const [bye] = (await once(secure, 'data')) as [Buffer];
      assert.match(bye.toString(), /^221 /);
      secure.destroy();
      await settle(() => metrics.value('posthorn_receive_sessions') === 0);
    }
  });

  it('gives the place back of a TLS client that never finishes its handshake', async () => {
    const { port } = await box({ listener: { kind: 'smtps', tls: testTls(), limits: { perAddress: 1 } } });
    const first = new Caller(port);
    await once(first.socket, 'connect');
    first.say('junk junk junk\r\n');
    await first.ends();
    const secure = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
    const [greeting] = (await once(secure, 'data')) as [Buffer];
    assert.match(greeting.toString(), /^220 /);
    secure.destroy();
  });

  it('refuses to start smtps without a certificate', async () => {
    await assert.rejects(openReceiveBox({ listener: { kind: 'smtps' } }), /needs a key and a certificate/);
  });

  it('rejects when the port is taken', async () => {
    const { port } = await box();
    await assert.rejects(openReceiveBox({ listener: { listen: { host: '127.0.0.1', port } } }), /EADDRINUSE/);
  });

  it('listens on IPv6, and shows IPv4 peers of a dual-stack socket as IPv4', async t => {
    const opened = await openReceiveBox({ listener: { listen: { host: '::', port: 0 } } }).catch(() => null);
    if (opened === null) return t.skip('no IPv6 here');
    open.push(() => opened.close());
    for (const host of ['127.0.0.1', '::1']) {
      const caller = await new Caller(opened.port, host).say(`${GREET}${ENVELOPE}x\r\n.\r\n`).hears(/Ok\. Q/);
      assert.equal(opened.kept.at(-1)?.origin.remoteAddress, host);
      caller.socket.end();
    }
  });

  it('takes a socket that the system opened', async t => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const address = holder.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const { fd } = (holder as unknown as Record<'_handle', { fd: number }>)['_handle'];
    if (fd < 0) return t.skip('no descriptor to hand over');
    const box = new URL('../../props/receive-box.ts', import.meta.url).href;
    const code = `import { openReceiveBox } from '${box}'; await openReceiveBox({ listener: { listen: { fd: 3 } } }); console.log('listening');`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', code], { stdio: ['ignore', 'pipe', 'inherit', fd] });
    open.push(async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    });
    await once(child.stdout as Readable, 'data');
    // Ours is closed: who answers is the child.
    holder.close();
    await new Caller(port).hears(/^220 /);
  });

  it('waits for the reverse name at MAIL only, and not for ever', async () => {
    const answers: ((name: ReverseName) => void)[] = [];
    const { port, kept, clock } = await box({ reverse: () => new Promise(resolve => answers.push(resolve)) });
    const named = await new Caller(port).say(`${GREET}${ENVELOPE}x\r\n.\r\n`).hears(/250 DSN/);
    await settle(() => answers.length === 1);
    answers[0]?.({ kind: 'found', name: 'client.example' });
    await named.hears(/Ok\. Q1/);
    assert.equal(kept[0]?.origin.remoteName, 'client.example');
    const nameless = await new Caller(port).say(`${GREET}${ENVELOPE}x\r\n.\r\n`).hears(/250 DSN/);
    await settle(() => clock.sleepers >= 2);
    await clock.advance(5000);
    await nameless.hears(/Ok\. Q2/);
    assert.equal(kept[1]?.origin.remoteName, undefined);
  });

  it('counts, and costs no log line for what goes well', async () => {
    const { port, metrics, lines } = await box();
    const caller = await new Caller(port).say(`${GREET}${ENVELOPE}hello\r\n.\r\nBOGUS\r\nQUIT\r\n`).hears(/221 /);
    caller.socket.end();
    await settle(() => metrics.value('posthorn_receive_sessions') === 0);
    assert.deepEqual(
      ['connections_total', 'messages_total', 'octets_total', 'refused_total'].map(name => metrics.value(`posthorn_receive_${name}`)), [1, 1, 7, 1]);
    assert.deepEqual(lines.map(line => [line.level, line.event, line.fields['reply']]), [['info', 'error', '500 5.5.1 Unknown command']]);
  });

  it('gives up on an intake that never answers: 421, an error line, never a 5yz', async () => {
    let asked = false;
    const { port, clock, lines } = await box({ intake: { open: () => { asked = true; return new Promise(() => undefined); } } });
    const caller = await new Caller(port).say(`${GREET}MAIL FROM:<a@client.example>\r\n`).hears(/250 DSN/);
    await settle(() => asked);
    await clock.advance(10 * 60_000 + 2000);
    await caller.ends();
    assert.match(caller.heard, /421 4\.3\.0 /);
    assert.ok(lines.some(line => line.level === 'error' && line.event === 'no answer'));
  });

  it('says all that a segment asked for in one write', async () => {
    const { port } = await box();
    const caller = await new Caller(port).hears(/^220 /);
    const chunks: Buffer[] = [];
    caller.socket.on('data', chunk => chunks.push(chunk));
    await caller.say(`${GREET}${ENVELOPE}`).hears(/354 /);
    assert.equal(chunks.length, 1);
  });
});
