/** The outcome table of src/flow/transport/esmtp/outcomes.ts, row by row, with PIPELINING and without. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Outcome } from '../../../src/core/outcome.ts';
import type { RecipientId } from '../../../src/core/envelope.ts';
import type { Destination } from '../../../src/core/transport.ts';
import type { EsmtpSettings } from '../../../src/flow/transport/esmtp/index.ts';
import { at, letter, openEsmtpBox, type EsmtpBox } from '../../props/esmtp-box.ts';
import { drop, garbage, half, last, openScriptedPeer, say, silence, type Act, type PeerOptions, type ScriptedPeer, type Step } from '../../props/scripted-peer.ts';

async function set(t: TestContext, options: PeerOptions, own: Partial<EsmtpSettings> = {}): Promise<{ peer: ScriptedPeer; box: EsmtpBox }> {
  const peer = await openScriptedPeer(options);
  const box = openEsmtpBox(at(peer), own);
  t.after(async () => {
    await peer.close();
    await box.close();
  });
  return { peer, box };
}

function short(outcome: Outcome | undefined): string {
  if (outcome === undefined) return 'forgotten';
  const uncertain = outcome.kind === 'deferred' && outcome.uncertain === true ? ' uncertain' : '';
  return `${outcome.kind} ${outcome.status}${outcome.kind === 'deferred' ? ` ${outcome.blame}` : ''}${uncertain}`;
}

const acts: Readonly<Record<string, Act>> = {
  '4yz': say('450 4.2.0 Later'),
  '421': last('421 4.3.2 Going down'),
  '5yz': say('550 5.1.1 Never'),
  '3yz': say('354 Why not'),
  '2yz': say('250 2.0.0 Fine'),
  bare5: say('554 No'),
  drop, silence, garbage, half,
};

/** How a test gets to a step, where the usual dialogue does not pass it. */
interface Scene {
  readonly extensions?: readonly string[];
  readonly destination?: Partial<Destination>;
  /** The second half of the message comes when the peer has had its say about the first. */
  readonly halves?: true;
  /** What else the peer does, before the step or instead of success. */
  readonly aside?: PeerOptions['act'];
  /** A message before the one that counts. */
  readonly first?: true;
}

const required: Partial<Destination> = { tls: { kind: 'required', verify: false } };

/** A row for every step there is: what each act there comes to. `quit` and the rest of a message are nobody's loss. */
const scenes: Readonly<Record<string, Scene & { readonly step: Step; readonly row: Readonly<Record<string, string>> }>> = {
  connect: { step: 'connect', row: {
    '4yz': 'deferred 4.2.0 nexthop', '421': 'deferred 4.3.2 nexthop', '5yz': 'failed 5.1.1', '3yz': 'deferred 4.5.0 nexthop', bare5: 'failed 5.0.0',
    drop: 'deferred 4.4.2 nexthop', silence: 'deferred 4.4.2 nexthop', garbage: 'deferred 4.5.0 nexthop', half: 'deferred 4.4.2 nexthop',
  } },
  ehlo: { step: 'ehlo', row: {
    // 5yz: it is older than EHLO, and HELO will do.
    '4yz': 'deferred 4.2.0 nexthop', '421': 'deferred 4.3.2 nexthop', '5yz': 'relayed 2.0.0', '3yz': 'deferred 4.5.0 nexthop', bare5: 'relayed 2.0.0',
    drop: 'deferred 4.4.2 nexthop', silence: 'deferred 4.4.2 nexthop', garbage: 'deferred 4.5.0 nexthop', half: 'deferred 4.4.2 nexthop',
  } },
  helo: { step: 'helo', aside: ({ step }) => (step === 'ehlo' ? say('500 5.5.1 What?') : undefined), row: {
    '4yz': 'deferred 4.2.0 nexthop', '421': 'deferred 4.3.2 nexthop', '5yz': 'failed 5.1.1', '3yz': 'deferred 4.5.0 nexthop', bare5: 'failed 5.0.0',
    drop: 'deferred 4.4.2 nexthop', silence: 'deferred 4.4.2 nexthop', garbage: 'deferred 4.5.0 nexthop', half: 'deferred 4.4.2 nexthop',
  } },
  'STARTTLS that is required': { step: 'starttls', extensions: ['STARTTLS'], destination: required, row: {
    '4yz': 'deferred 4.7.4 nexthop', '421': 'deferred 4.3.2 nexthop', '5yz': 'deferred 4.7.4 nexthop', '3yz': 'deferred 4.7.4 nexthop', bare5: 'deferred 4.7.4 nexthop',
    drop: 'deferred 4.4.2 nexthop', silence: 'deferred 4.4.2 nexthop', garbage: 'deferred 4.5.0 nexthop', half: 'deferred 4.4.2 nexthop',
  } },
  // Nobody insists: whatever comes of it, the message goes in clear.
  'STARTTLS that is optional': { step: 'starttls', extensions: ['STARTTLS'], row: {
    '4yz': 'relayed 2.0.0', '421': 'relayed 2.0.0', '5yz': 'relayed 2.0.0', '3yz': 'relayed 2.0.0', bare5: 'relayed 2.0.0',
    drop: 'relayed 2.0.0', silence: 'relayed 2.0.0', garbage: 'relayed 2.0.0', half: 'relayed 2.0.0',
  } },
  // Our login is our configuration: nothing that is said of it fails a message.
  auth: { step: 'auth', extensions: ['AUTH PLAIN'], destination: { auth: { login: 'box', password: 'x', inClear: true } }, row: {
    '4yz': 'deferred 4.7.0 nexthop', '421': 'deferred 4.3.2 nexthop', '5yz': 'deferred 4.7.8 nexthop', bare5: 'deferred 4.7.8 nexthop',
    drop: 'deferred 4.4.2 nexthop', silence: 'deferred 4.4.2 nexthop', garbage: 'deferred 4.5.0 nexthop', half: 'deferred 4.4.2 nexthop',
  } },
  mail: { step: 'mail', row: {
    '4yz': 'deferred 4.2.0 message', '421': 'deferred 4.3.2 nexthop', '5yz': 'failed 5.1.1', '3yz': 'deferred 4.5.0 nexthop', bare5: 'failed 5.0.0',
    drop: 'deferred 4.4.2 nexthop', silence: 'deferred 4.4.2 nexthop', garbage: 'deferred 4.5.0 nexthop', half: 'deferred 4.4.2 nexthop',
  } },
  rcpt: { step: 'rcpt', row: {
    '4yz': 'deferred 4.2.0 recipient', '421': 'deferred 4.3.2 nexthop', '5yz': 'failed 5.1.1', '3yz': 'deferred 4.5.0 nexthop', bare5: 'failed 5.0.0',
    drop: 'deferred 4.4.2 nexthop', silence: 'deferred 4.4.2 nexthop', garbage: 'deferred 4.5.0 nexthop', half: 'deferred 4.4.2 nexthop',
  } },
  data: { step: 'data', row: {
    '4yz': 'deferred 4.2.0 message', '421': 'deferred 4.3.2 nexthop', '5yz': 'failed 5.1.1', '2yz': 'deferred 4.5.0 nexthop', bare5: 'failed 5.0.0',
    drop: 'deferred 4.4.2 nexthop', silence: 'deferred 4.4.2 nexthop', garbage: 'deferred 4.5.0 nexthop', half: 'deferred 4.4.2 nexthop',
  } },
  // In the middle of the message: without its dot nobody has it. Who only stops reading may have been at its end.
  content: { step: 'content', halves: true, row: {
    '4yz': 'deferred 4.2.0 message', '421': 'deferred 4.3.2 nexthop', '5yz': 'failed 5.1.1', '3yz': 'deferred 4.5.0 nexthop', '2yz': 'deferred 4.5.0 nexthop', bare5: 'failed 5.0.0',
    drop: 'deferred 4.4.2 nexthop', silence: 'deferred 4.4.2 nexthop uncertain', garbage: 'deferred 4.5.0 nexthop', half: 'deferred 4.4.2 nexthop',
  } },
  dot: { step: 'dot', row: {
    '4yz': 'deferred 4.2.0 message', '421': 'deferred 4.3.2 nexthop', '5yz': 'failed 5.1.1', '3yz': 'deferred 4.5.0 nexthop uncertain', bare5: 'failed 5.0.0',
    drop: 'deferred 4.4.2 nexthop uncertain', silence: 'deferred 4.4.2 nexthop uncertain', garbage: 'deferred 4.5.0 nexthop uncertain', half: 'deferred 4.4.2 nexthop uncertain',
  } },
  // The message before was refused, and its transaction is still open. Not this message's fault, and not yet spoken of.
  rset: { step: 'rset', first: true, aside: ({ step, before }) => (step === 'rcpt' && before === 0 ? say('550 5.1.1 Who?') : step === 'data' && before === 0 ? say('503 5.5.1 No recipients') : undefined), row: {
    '4yz': 'deferred 4.5.0 nexthop', '421': 'deferred 4.3.2 nexthop', '5yz': 'deferred 4.5.0 nexthop', '3yz': 'deferred 4.5.0 nexthop', bare5: 'deferred 4.5.0 nexthop',
    drop: 'deferred 4.4.2 nexthop', silence: 'deferred 4.4.2 nexthop', garbage: 'deferred 4.5.0 nexthop', half: 'deferred 4.4.2 nexthop',
  } },
  quit: { step: 'quit', row: {
    '4yz': 'relayed 2.0.0', '421': 'relayed 2.0.0', '5yz': 'relayed 2.0.0', '3yz': 'relayed 2.0.0', bare5: 'relayed 2.0.0',
    drop: 'relayed 2.0.0', silence: 'relayed 2.0.0', garbage: 'relayed 2.0.0', half: 'relayed 2.0.0',
  } },
};

/** Acts that succeed at a step, or are its usual way on. */
const usual: Readonly<Partial<Record<Step, readonly string[]>>> = {
  connect: ['2yz'], ehlo: ['2yz'], helo: ['2yz'], starttls: ['2yz'], auth: ['2yz', '3yz'], mail: ['2yz'], rcpt: ['2yz'], data: ['3yz'], dot: ['2yz'], rset: ['2yz'], quit: ['2yz'],
};

test('the table has every step and every act', () => {
  const steps: readonly Step[] = ['connect', 'ehlo', 'helo', 'starttls', 'auth', 'mail', 'rcpt', 'data', 'content', 'dot', 'rset', 'quit'];
  assert.deepEqual([...new Set(Object.values(scenes).map(({ step }) => step))], steps);
  for (const { step, row } of Object.values(scenes)) assert.deepEqual([...Object.keys(row), ...(usual[step] ?? [])].toSorted(), Object.keys(acts).toSorted(), step);
});

for (const pipelining of [['PIPELINING'], []]) {
  for (const [title, { step, row, extensions = [], destination, halves, aside, first }] of Object.entries(scenes)) {
    for (const [name, wanted] of Object.entries(row)) {
      test(`${name} at ${title}${pipelining.length > 0 ? ', pipelining' : ''}: ${wanted}`, async t => {
        let reached = 0;
        const peer = await openScriptedPeer({ extensions: [...pipelining, ...extensions], act: asked => {
          if (asked.step !== step || (step === 'starttls' && asked.connection > 1)) return aside?.(asked);
          reached++;
          return acts[name];
        } });
        const box = openEsmtpBox(at(peer, destination), { limits: { recipients: 100, connectionsPerNexthop: 1, deliveriesInAll: 40, idle: 10 } });
        t.after(() => peer.close());
        if (first === true) assert.equal((await box.deliverOne()).kind, 'failed');
        async function* inHalves(): AsyncGenerator<Uint8Array> {
          yield Buffer.from('Subject: long\r\n\r\nthe first half\r\n');
          await peer.until(step, () => reached > 0);
          for (let n = 0; n < 20; n++) await box.clock.settle();
          yield Buffer.from('the second half\r\n');
        }
        const outcome = box.deliverOne(letter(halves === true ? { pieces: inHalves } : {}));
        if (name === 'silence' && step !== 'quit') {
          await peer.until(step, () => reached > 0);
          // Real sockets: what was written has to be read before time passes.
          for (let n = 0; n < 80; n++) await box.clock.settle();
          await box.clock.runTo(box.clock.now() + 600_000);
        }
        assert.equal(short(await outcome), wanted);
        // Nothing was handed over unless the dot was answered with 2yz, and then it is said.
        assert.equal(peer.messages.length, wanted.startsWith('relayed') ? 1 : 0);
        const closed = box.close();
        if (step === 'quit') {
          await peer.until('QUIT', () => reached > 0);
          for (let n = 0; n < 20; n++) await box.clock.settle();
          await box.clock.runTo(box.clock.now() + 60_000);
        }
        await closed;
      });
    }
  }
}

test('HELO refused after EHLO refused: the answer to HELO counts', async t => {
  const { box } = await set(t, { act: ({ step }) => (step === 'ehlo' ? say('500 What?') : step === 'helo' ? say('550 5.7.1 Not you') : undefined) });
  assert.equal(short(await box.deliverOne()), 'failed 5.7.1');
});

test('each recipient has its own answer, and the message goes to those accepted', async t => {
  const answers: Readonly<Record<string, Act>> = { a: say('250 Yes'), b: say('450 4.2.1 Later'), c: say('550 5.1.1 Who?'), d: say('251 Will forward') };
  for (const extensions of [['PIPELINING'], []]) {
    const { peer, box } = await set(t, { extensions, act: ({ step, line }) => (step === 'rcpt' ? answers[line.charAt(9)] : undefined) });
    const outcomes = await box.deliver(letter({ to: ['a@d.example', 'b@d.example', 'c@d.example', 'd@d.example'] }));
    assert.deepEqual([0, 1, 2, 3].map(n => short(outcomes.get(n as RecipientId))), ['relayed 2.0.0', 'deferred 4.2.1 recipient', 'failed 5.1.1', 'relayed 2.0.0']);
    assert.deepEqual(peer.messages[0]?.rcpts, ['RCPT TO:<a@d.example>', 'RCPT TO:<d@d.example>']);
    assert.deepEqual(outcomes.get(2 as RecipientId)?.said, { type: 'smtp', text: '550 5.1.1 Who?', remoteMta: 'peer.example [127.0.0.1]', command: 'RCPT TO:<c@d.example>' });
  }
});

test('a recipient\'s own answer stands when the connection is lost later', async t => {
  const { box } = await set(t, { act: ({ step, line }) => (step === 'dot' ? drop : step === 'rcpt' && line.includes('<c@') ? say('550 5.1.1 Who?') : undefined) });
  const outcomes = await box.deliver(letter({ to: ['a@d.example', 'c@d.example'] }));
  assert.deepEqual([0, 1].map(n => short(outcomes.get(n as RecipientId))), ['deferred 4.4.2 nexthop uncertain', 'failed 5.1.1']);
});

test('421 between recipients defers those not yet answered', async t => {
  const { box } = await set(t, { act: ({ step, line }) => (step !== 'rcpt' ? undefined : line.includes('<a@') ? say('550 5.1.1 Who?') : last('421 4.7.0 Enough')) });
  const outcomes = await box.deliver(letter({ to: ['a@d.example', 'b@d.example', 'c@d.example'] }));
  assert.deepEqual([0, 1, 2].map(n => short(outcomes.get(n as RecipientId))), ['failed 5.1.1', 'deferred 4.7.0 nexthop', 'deferred 4.7.0 nexthop']);
});

test('552 at RCPT is "too many recipients", unless its enhanced code says otherwise', async t => {
  const answers: Readonly<Record<string, Act>> = { a: say('552 Too many'), b: say('552 5.5.3 Too many'), c: say('552 5.2.2 Mailbox full'), d: say('552 5.3.4 Too large') };
  const { box } = await set(t, { act: ({ step, line }) => (step === 'rcpt' ? answers[line.charAt(9)] : undefined) });
  const outcomes = await box.deliver(letter({ to: ['a@d.example', 'b@d.example', 'c@d.example', 'd@d.example'] }));
  assert.deepEqual([0, 1, 2, 3].map(n => short(outcomes.get(n as RecipientId))), ['deferred 4.5.3 recipient', 'deferred 4.5.3 recipient', 'failed 5.2.2', 'failed 5.3.4']);
});

test('354 although nobody was accepted: a lone dot, and the connection serves on', async t => {
  const { peer, box } = await set(t, { act: ({ step, before }) => (step === 'rcpt' && before === 0 ? say('550 5.1.1 Who?') : undefined) });
  assert.equal(short(await box.deliverOne()), 'failed 5.1.1');
  await peer.until('the dot', () => peer.segments.includes('.\r\n'));
  for (let n = 0; n < 20; n++) await box.clock.settle();
  assert.equal(short(await box.deliverOne()), 'relayed 2.0.0');
  assert.equal(peer.connections, 1);
  assert.equal(peer.messages.length, 1);
});

test('MAIL refused while RCPT and DATA are on their way: the answer to MAIL counts, the rest is noise', async t => {
  const { peer, box } = await set(t, { act: ({ step, before }) => {
    if (before > 0) return undefined;
    return step === 'mail' ? say('552 5.3.4 Too large') : step === 'rcpt' ? say('503 5.5.1 MAIL first') : step === 'data' ? say('503 5.5.1 MAIL first') : undefined;
  } });
  assert.equal(short(await box.deliverOne()), 'failed 5.3.4');
  assert.equal(short(await box.deliverOne()), 'relayed 2.0.0');
  assert.equal(peer.connections, 1);
});

test('a transaction left open is reset before the next one', async t => {
  for (const extensions of [['PIPELINING'], []]) {
    const { peer, box } = await set(t, { extensions, act: ({ step, before }) => (before === 0 && step === 'rcpt' ? say('550 5.1.1 Who?') : before === 0 && step === 'data' && extensions.length > 0 ? say('503 5.5.1 No recipients') : undefined) });
    assert.equal(short(await box.deliverOne()), 'failed 5.1.1');
    assert.equal(short(await box.deliverOne()), 'relayed 2.0.0');
    assert.equal(peer.lines.filter(line => line === 'RSET').length, 1);
    assert.equal(peer.connections, 1);
  }
});

test('a long refusal is kept within bounds, without control characters', async t => {
  const lines = Array.from({ length: 30 }, (_, n) => `550${n === 29 ? ' ' : '-'}5.7.1 line ${n} \u0007${'x'.repeat(500)}`).join('\r\n');
  const { box } = await set(t, { act: ({ step }) => (step === 'dot' ? say(lines) : undefined) });
  const outcome = await box.deliverOne();
  const text = outcome.said?.text ?? '';
  assert.ok(text.startsWith('550-5.7.1 line 0 ') && text.length <= 2000 && !text.includes('\u0007'));
});

test('an endless reply is garbage', async t => {
  for (const text of ['x'.repeat(10_000), Array.from({ length: 300 }, () => '250-on and on').join('\r\n')]) {
    const { box } = await set(t, { act: ({ step }) => (step === 'mail' ? say(text) : undefined) });
    assert.equal(short(await box.deliverOne()), 'deferred 4.5.0 nexthop');
  }
});
