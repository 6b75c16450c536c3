/** The outcome table of src/flow/transport/esmtp/outcomes.ts, row by row, with PIPELINING and without. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Outcome } from '../../../src/core/outcome.ts';
import type { RecipientId } from '../../../src/core/envelope.ts';
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

/** What each step makes of each act. */
const table: Readonly<Partial<Record<Step, Readonly<Record<string, string>>>>> = {
  connect: {
    '4yz': 'deferred 4.2.0 nexthop', '421': 'deferred 4.3.2 nexthop', '5yz': 'failed 5.1.1', '3yz': 'deferred 4.5.0 nexthop', bare5: 'failed 5.0.0',
    drop: 'deferred 4.4.2 nexthop', silence: 'deferred 4.4.2 nexthop', garbage: 'deferred 4.5.0 nexthop', half: 'deferred 4.4.2 nexthop',
  },
  ehlo: {
    '4yz': 'deferred 4.2.0 nexthop', '421': 'deferred 4.3.2 nexthop', '3yz': 'deferred 4.5.0 nexthop',
    drop: 'deferred 4.4.2 nexthop', silence: 'deferred 4.4.2 nexthop', garbage: 'deferred 4.5.0 nexthop', half: 'deferred 4.4.2 nexthop',
  },
  mail: {
    '4yz': 'deferred 4.2.0 message', '421': 'deferred 4.3.2 nexthop', '5yz': 'failed 5.1.1', '3yz': 'deferred 4.5.0 nexthop', bare5: 'failed 5.0.0',
    drop: 'deferred 4.4.2 nexthop', silence: 'deferred 4.4.2 nexthop', garbage: 'deferred 4.5.0 nexthop', half: 'deferred 4.4.2 nexthop',
  },
  rcpt: {
    '4yz': 'deferred 4.2.0 recipient', '421': 'deferred 4.3.2 nexthop', '5yz': 'failed 5.1.1', '3yz': 'deferred 4.5.0 nexthop', bare5: 'failed 5.0.0',
    drop: 'deferred 4.4.2 nexthop', silence: 'deferred 4.4.2 nexthop', garbage: 'deferred 4.5.0 nexthop', half: 'deferred 4.4.2 nexthop',
  },
  data: {
    '4yz': 'deferred 4.2.0 message', '421': 'deferred 4.3.2 nexthop', '5yz': 'failed 5.1.1', '2yz': 'deferred 4.5.0 nexthop', bare5: 'failed 5.0.0',
    drop: 'deferred 4.4.2 nexthop', silence: 'deferred 4.4.2 nexthop', garbage: 'deferred 4.5.0 nexthop', half: 'deferred 4.4.2 nexthop',
  },
  dot: {
    '4yz': 'deferred 4.2.0 message', '421': 'deferred 4.3.2 nexthop', '5yz': 'failed 5.1.1', '3yz': 'deferred 4.5.0 nexthop uncertain', bare5: 'failed 5.0.0',
    drop: 'deferred 4.4.2 nexthop uncertain', silence: 'deferred 4.4.2 nexthop uncertain', garbage: 'deferred 4.5.0 nexthop uncertain', half: 'deferred 4.4.2 nexthop uncertain',
  },
};

for (const extensions of [['PIPELINING'], []]) {
  for (const [step, row] of Object.entries(table)) {
    for (const [name, wanted] of Object.entries(row)) {
      test(`${name} at ${step}${extensions.length > 0 ? ', pipelining' : ''}: ${wanted}`, async t => {
        let reached = false;
        const { peer, box } = await set(t, { extensions, act: asked => {
          reached ||= asked.step === step;
          return asked.step === step ? acts[name] : undefined;
        } });
        const outcome = box.deliverOne();
        if (name === 'silence') {
          await peer.until(step, () => reached);
          for (let n = 0; n < 20; n++) await box.clock.settle();
          await box.clock.runTo(box.clock.now() + 600_000);
        }
        assert.equal(short(await outcome), wanted);
        // Nothing was handed over unless the dot was sent, and then it is said.
        assert.equal(peer.messages.length, 0);
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
