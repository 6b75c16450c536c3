/** The milter client against a milter that follows a script: every answer, every step it may ask to leave out. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { FilterAnswer, Inspected } from '../../../src/core/policy.ts';
import { createMilter } from '../../../src/flow/filter/milter.ts';
import { formatPacket, OFFERED_STEPS, parseReply, STEPS, takePacket, texts } from '../../../src/grammar/filter/milter.ts';
import { createHolding } from '../../../src/kit/file/holding.ts';
import fc from '../../props/fast-check.ts';
import { inspected } from '../../props/inspected.ts';
import { scratchFor } from '../../props/scratch.ts';

type Script = (letter: string, data: Buffer) => readonly Buffer[] | 'hang up';

interface Heard {
  readonly letter: string;
  readonly text: string;
}

function negotiated(steps: number): Buffer {
  const words = Buffer.alloc(12);
  words.writeUInt32BE(6, 0);
  words.writeUInt32BE(0xff, 4);
  words.writeUInt32BE(steps, 8);
  return formatPacket('O', words);
}

const go = formatPacket('c');

async function ask(t: TestContext, script: Script, message: Inspected, steps = 0): Promise<{ answer: FilterAnswer; heard: Heard[] }> {
  const path = join(scratchFor(t, 'm'), 's');
  const heard: Heard[] = [];
  const sockets = new Set<Socket>();
  const server = createServer(socket => {
    sockets.add(socket);
    let rest = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('data', chunk => {
      rest = Buffer.concat([rest, chunk]);
      for (let packet = takePacket(rest); packet !== null && packet !== 'garbage'; packet = takePacket(rest)) {
        const { letter } = packet;
        const data = Buffer.from(packet.data);
        rest = rest.subarray(packet.end);
        heard.push({ letter, text: data.toString('latin1').replaceAll('\0', '|') });
        const replies = letter === 'O' ? [negotiated(steps)] : letter === 'D' || letter === 'Q' ? [] : script(letter, data);
        if (replies === 'hang up') {
          socket.destroy();
          return;
        }
        for (const reply of replies) socket.write(reply);
      }
    });
  });
  await new Promise<void>(resolve => server.listen(path, resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const filter = createMilter({ name: 'm', place: { kind: 'unix', path }, whenAbsent: 'defer', me: () => 'gate.example' });
  const answer = await filter.inspect(message, AbortSignal.timeout(5000)).catch((error: unknown): FilterAnswer => ({ kind: 'absent', why: error instanceof Error ? error.message : String(error) }));
  return { answer, heard };
}

const letter = () => inspected({ text: 'Subject: one\r\n two\r\nX-N: 1\r\n\r\nbody\r\n', to: ['bob@there.example', 'carol@there.example'], trace: 'Received: x\r\n  y\r\nDate: today\r\n', origin: { login: 'ada', mechanism: 'PLAIN', tls: { version: 'TLSv1.3', cipher: 'AES', bits: 256 } } });

function said(answer: FilterAnswer): string {
  if (answer.kind === 'absent') return 'absent';
  return [...answer.verdicts].map(([id, verdict]) => `${id} ${verdict.kind === 'refused' ? `${verdict.reply} ${verdict.status} ${verdict.text}` : verdict.kind === 'quarantine' ? `aside ${verdict.why}` : 'pass'}`).join('; ');
}

test('the whole transaction is told, in order, with its macros; our Received is ours alone', async t => {
  const { answer, heard } = await ask(t, () => [go], letter());
  assert.equal(said(answer), '');
  const commands = heard.filter(one => !'DQ'.includes(one.letter)).map(one => `${one.letter} ${one.text}`);
  assert.match(commands[0] ?? '', /^O /);
  assert.deepEqual(commands.slice(1).map(text => text.replaceAll(/[^ -~\n]/g, '?')), [
    'C there.example|4??192.0.2.9|', 'H there.example|', 'M <ada@sender.example>|', 'R <bob@there.example>|', 'R <carol@there.example>|', 'T ',
    'L Date|today|', 'L Subject|one\n two|', 'L X-N|1|', 'N ', 'B body\r\n'.replaceAll(/[^ -~\n]/g, '?'), 'E ',
  ]);
  const macros = heard.filter(one => one.letter === 'D').map(one => one.text).join('\n');
  for (const macro of ['j|gate.example|', '{daemon_name}|esmtp|', '{client_addr}|192.0.2.9|', 'i|660C.1|', '{auth_authen}|ada|', '{auth_type}|PLAIN|', '{tls_version}|TLSv1.3|', '{rcpt_addr}|carol@there.example|']) assert.ok(macros.includes(macro), macro);
});

test('steps that it wants left out are, and those it does not answer are not waited for', async t => {
  const silent = STEPS.silentConnect | STEPS.silentHelo | STEPS.silentMail | STEPS.silentRcpt | STEPS.silentContent | STEPS.silentFields | STEPS.silentEndOfHeader | STEPS.silentBody;
  const quiet = await ask(t, name => (name === 'E' ? [go] : []), letter(), silent);
  assert.equal(said(quiet.answer), '');
  assert.ok(quiet.heard.some(one => one.letter === 'B'));
  const none = STEPS.noConnect | STEPS.noHelo | STEPS.noMail | STEPS.noRcpt | STEPS.noContent | STEPS.noFields | STEPS.noEndOfHeader | STEPS.noBody;
  const brief = await ask(t, () => [go], letter(), none);
  assert.deepEqual(brief.heard.filter(one => !'DQ'.includes(one.letter)).map(one => one.letter), ['O', 'E']);
  assert.ok((OFFERED_STEPS & (silent | none)) === (silent | none));
  const spaced = await ask(t, () => [go], letter(), STEPS.leadingSpace);
  assert.ok(spaced.heard.some(one => one.text === 'Subject| one\n two|'), 'with the blank behind the colon, where it is asked for');
});

test('each answer at each step: for one recipient or for all, for good or for now', async t => {
  const all = (text: string) => `0 ${text}; 1 ${text}`;
  const rows: readonly (readonly [string, string, Buffer, string])[] = [
    ['reject at MAIL', 'M', formatPacket('r'), all('554 5.7.1 Message refused')],
    ['put off at connect', 'C', formatPacket('t'), all('451 4.7.1 Message not taken now, please try again later')],
    ['shut down', 'H', formatPacket('4'), all('451 4.7.1 Message not taken now, please try again later')],
    ['its own words', 'N', formatPacket('y', texts('571 5.7.2 Go 100%% away')), all('571 5.7.2 Go 100% away')],
    ['several lines', 'T', formatPacket('y', texts('451-4.2.1 One\r\n451 4.2.1 Two')), all('451 4.2.1 One\nTwo')],
    ['words that are no reply', 'T', formatPacket('y', texts('no')), all('451 4.7.1 Message not taken now, please try again later')],
    ['accept ends it', 'M', formatPacket('a'), all('pass')],
    ['discard is set aside', 'E', formatPacket('d'), all('aside m says discard')],
    ['reject at the end', 'E', formatPacket('r'), all('554 5.7.1 Message refused')],
    ['nonsense at a step', 'H', formatPacket('Z'), 'absent'],
    ['a change too early', 'N', formatPacket('h', texts('X', 'y')), 'absent'],
  ];
  for (const [name, at, reply, want] of rows) assert.equal(said((await ask(t, one => [one === at ? reply : go], letter())).answer), want, name);
  const one = await ask(t, (name, data) => [name === 'R' && data.includes('carol') ? formatPacket('y', texts('550 5.1.1 Who?')) : go], letter());
  assert.equal(said(one.answer), '1 550 5.1.1 Who?');
  const both = await ask(t, name => [name === 'R' ? formatPacket('r') : go], letter());
  assert.equal(said(both.answer), all('554 5.7.1 Message refused'));
  assert.ok(!both.heard.some(({ letter: name }) => name === 'T'), 'nobody is left to send content for');
});

test('what it wants changed', async t => {
  const at = (n: number, ...rest: readonly string[]) => {
    const index = Buffer.alloc(4);
    index.writeUInt32BE(n);
    return Buffer.concat([index, Buffer.from(texts(...rest))]);
  };
  const { answer } = await ask(t, name => (name !== 'E' ? [go] : [
    formatPacket('p'), formatPacket('i', at(0, 'X-First', 'a')), formatPacket('i', at(1, 'X-Above', 'b')), formatPacket('h', texts('X-Last', 'z\n\tfolded')), formatPacket('m', at(1, 'Subject', 'new')), formatPacket('m', at(2, 'X-N', '')),
    formatPacket('b', 'new '), formatPacket('b', 'body\r\n'), formatPacket('+', texts('<dave@there.example>')), formatPacket('-', texts('<bob@there.example>')), formatPacket('q', texts('odd')), formatPacket('p'), go,
  ]), letter());
  assert.ok(answer.kind === 'looked');
  assert.equal(said(answer), '0 aside m: odd; 1 aside m: odd');
  assert.deepEqual(answer.addFields.map(({ name, value }) => `${name}: ${value}`), ['X-Above: b', 'X-First: a']);
  assert.deepEqual(answer.changes?.map(change => (change.kind === 'field' ? `${change.name} ${change.nth} ${change.value}` : change.kind === 'append' ? `+${change.field.name}` : change.kind === 'body' ? 'a body' : `${change.kind} ${change.address}`)), [
    '+X-Last', 'Subject 1 new', 'X-N 2 null', 'recipient dave@there.example', 'drop bob@there.example', 'a body',
  ]);
  const body: Uint8Array[] = [];
  for (const change of answer.changes ?? []) if (change.kind === 'body') for await (const chunk of change.octets.read()) body.push(chunk);
  assert.equal(Buffer.concat(body).toString(), 'new body\r\n');
});

test('a milter that hangs up, talks nonsense or is too old is absent', async t => {
  assert.equal(said((await ask(t, name => (name === 'N' ? 'hang up' : [go]), letter())).answer), 'absent');
  assert.equal(said((await ask(t, name => (name === 'M' ? [Buffer.from([0xff, 0xff, 0xff, 0xff, 1])] : [go]), letter())).answer), 'absent');
  assert.equal(said((await ask(t, name => (name === 'E' ? [formatPacket('+', texts('not an address'))] : [go]), letter())).answer), 'absent');
});

test('however packets are cut they are the same, and no octets make the reader fail', () => {
  fc.assert(fc.property(fc.array(fc.record({ letter: fc.constantFrom('c', 'y', 'h', 'm', 'i', 'O', 'q', 'Z', 'b'), data: fc.uint8Array({ maxLength: 20 }) }), { maxLength: 5 }), fc.nat(60), (packets, cut) => {
    const all = Buffer.concat(packets.map(({ letter: name, data }) => formatPacket(name, data)));
    const found: string[] = [];
    let rest: Buffer = Buffer.alloc(0);
    for (const part of [all.subarray(0, cut), all.subarray(cut)]) {
      rest = Buffer.concat([rest, part]);
      for (let packet = takePacket(rest); packet !== null; packet = takePacket(rest)) {
        assert.ok(packet !== 'garbage');
        found.push(packet.letter);
        parseReply(packet.letter, packet.data);
        rest = rest.subarray(packet.end);
      }
    }
    assert.deepEqual(found, packets.map(one => one.letter));
  }));
});

const MIB = 1024 * 1024;
const LARGE = 25 * MIB;
/** What sockets of this system keep, and a few packets of ours. */
const IN_FLIGHT = 3 * MIB;
const turns = async (count: number): Promise<void> => {
  for (let n = 0; n < count; n++) await new Promise(resolve => setImmediate(resolve));
};

test('a body of 25 MB is shown as it is read: a milter that is slow holds up the reading', { timeout: 60_000 }, async t => {
  let read = 0;
  let shown = 0;
  let most = 0;
  const small = inspected({ text: 'Subject: large\r\n\r\n' });
  const message: Inspected = {
    ...small,
    facts: { ...small.facts, sizeOctets: small.facts.sizeOctets + LARGE },
    async *content() {
      yield Buffer.from('Subject: large\r\n\r\n');
      for (; read < LARGE; most = Math.max(most, read - shown)) {
        read += 128 * 1024;
        yield Buffer.alloc(128 * 1024, 0x61);
      }
    },
  };
  const path = join(scratchFor(t, 'm'), 's');
  const server = createServer(socket => void (async () => {
    let rest = Buffer.alloc(0);
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      rest = Buffer.concat([rest, chunk]);
      for (let packet = takePacket(rest); packet !== null && packet !== 'garbage'; packet = takePacket(rest)) {
        const { letter: name, data } = packet;
        rest = rest.subarray(packet.end);
        if (name === 'B') {
          shown += data.length;
          await turns(3);
        }
        if (name === 'O') socket.write(negotiated(STEPS.silentBody));
        else if (name !== 'D' && name !== 'B' && name !== 'Q') socket.write(go);
      }
    }
  })().catch(() => undefined));
  await new Promise<void>(resolve => server.listen(path, resolve));
  t.after(() => server.close());
  const filter = createMilter({ name: 'm', place: { kind: 'unix', path }, whenAbsent: 'defer', me: () => 'gate.example' });
  const answer = await filter.inspect(message, AbortSignal.timeout(50_000));
  assert.deepEqual([answer.kind, shown], ['looked', LARGE]);
  assert.ok(most < IN_FLIGHT, `${most} octets were read and not shown`);
});

test('a new body of 25 MB goes to the disk as it comes: a disk that is slow holds up the milter', { timeout: 60_000 }, async t => {
  let sent = 0;
  let most = 0;
  const folder = scratchFor(t, 'm');
  const holding = createHolding(join(folder, 'H1'));
  t.after(() => holding.close());
  const message: Inspected = {
    ...inspected(),
    hold: () => ({
      get sizeOctets() { return holding.sizeOctets; },
      async write(chunk) {
        await turns(3);
        most = Math.max(most, sent - holding.sizeOctets);
        await holding.write(chunk);
      },
      read: () => holding.read(),
    }),
  };
  const packet = formatPacket('b', 'x'.repeat(65_535));
  const server = createServer(socket => {
    let rest = Buffer.alloc(0);
    const tell = async () => {
      for (; sent < LARGE; sent += 65_535) if (!socket.write(packet)) await once(socket, 'drain');
      socket.write(go);
    };
    socket.on('error', () => undefined).on('data', chunk => {
      rest = Buffer.concat([rest, chunk]);
      for (let found = takePacket(rest); found !== null && found !== 'garbage'; found = takePacket(rest)) {
        const { letter: name } = found;
        rest = rest.subarray(found.end);
        if (name === 'O') socket.write(negotiated(0));
        else if (name === 'E') void tell();
        else if (name !== 'D' && name !== 'Q') socket.write(go);
      }
    });
  });
  const path = join(folder, 's');
  await new Promise<void>(resolve => server.listen(path, resolve));
  t.after(() => server.close());
  const filter = createMilter({ name: 'm', place: { kind: 'unix', path }, whenAbsent: 'defer', me: () => 'gate.example' });
  const answer = await filter.inspect(message, AbortSignal.timeout(50_000));
  assert.ok(answer.kind === 'looked' && answer.changes?.[0]?.kind === 'body');
  assert.equal(holding.sizeOctets, sent);
  assert.ok(most < IN_FLIGHT, `${most} octets were sent and not put aside`);
});
