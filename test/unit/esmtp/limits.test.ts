/** What a peer takes at once: limits it announces (RFC 9422), and those that it shows by refusing. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Outcome, Outcomes } from '../../../src/core/outcome.ts';
import { at, letter, openEsmtpBox, type EsmtpBox } from '../../props/esmtp-box.ts';
import { drop, openScriptedPeer, say, type Act, type Asked, type PeerOptions, type ScriptedPeer } from '../../props/scripted-peer.ts';

const one = { limits: { recipients: 100, connectionsPerNexthop: 1, deliveriesInAll: 40, idle: 10 } };
const three = { to: ['a@there.example', 'b@there.example', 'c@there.example'] };

async function set(t: TestContext, options: PeerOptions): Promise<{ peer: ScriptedPeer; box: EsmtpBox }> {
  const peer = await openScriptedPeer(options);
  const box = openEsmtpBox(at(peer), one);
  t.after(async () => {
    await peer.close();
    await box.close();
  });
  return { peer, box };
}

const inOrder = (outcomes: Outcomes): Outcome[] => [...outcomes].toSorted(([one], [other]) => one - other).map(([, outcome]) => outcome);
const kinds = (outcomes: Outcomes): string[] => inOrder(outcomes).map(({ kind, status }) => `${kind} ${status}`);
const transactions = (peer: ScriptedPeer): string[] => peer.messages.map(({ rcpts, connection }) => `${connection}: ${rcpts.map(line => line[9]).join('')}`);

/** Refuses every recipient of a transaction after the first `most`. */
function atMost(most: number, refusal: string): (asked: Asked) => Act | undefined {
  let taken = 0;
  return ({ step }) => {
    if (step === 'mail') taken = 0;
    return step === 'rcpt' && ++taken > most ? say(refusal) : undefined;
  };
}

for (const extensions of [['PIPELINING'], []]) {
  const how = extensions.length > 0 ? 'pipelined' : 'one by one';
  for (const refusal of ['452 4.5.3 Too many recipients', '452 Too many recipients', '552 Too many recipients', '552 5.5.3 Too many recipients']) {
    test(`${how}, ${refusal}: the others go in the next transaction, and the next message knows better`, async t => {
      const { peer, box } = await set(t, { extensions, act: atMost(2, refusal) });
      assert.deepEqual(kinds(await box.deliver(letter(three))), ['relayed 2.0.0', 'relayed 2.0.0', 'relayed 2.0.0']);
      assert.deepEqual(transactions(peer), ['1: ab', '1: c']);
      const asked = peer.lines.filter(line => line.startsWith('RCPT')).length;
      await box.deliver(letter(three));
      assert.equal(peer.lines.filter(line => line.startsWith('RCPT')).length - asked, 3, 'nobody was asked for in vain');
      assert.deepEqual(transactions(peer).slice(2), ['1: ab', '1: c']);
    });
  }

  test(`${how}: a peer that says so of the first recipient too is believed`, async t => {
    const { peer, box } = await set(t, { extensions, act: atMost(0, '452 4.5.3 Too many recipients') });
    assert.deepEqual(kinds(await box.deliver(letter(three))), ['deferred 4.5.3', 'deferred 4.5.3', 'deferred 4.5.3']);
    assert.equal(peer.messages.length, 0);
  });

  test(`${how}: no room and a full mailbox are not too many recipients`, async t => {
    for (const refusal of ['452 4.3.1 No space', '552 5.2.2 Mailbox full']) {
      const { peer, box } = await set(t, { extensions, act: atMost(1, refusal) });
      await box.deliver(letter(three));
      assert.deepEqual(transactions(peer), ['1: a']);
    }
  });

  test(`${how}: RCPTMAX and MAILMAX are kept; what a connection may not carry goes by the next, once`, async t => {
    const { peer, box } = await set(t, { extensions: [...extensions, 'LIMITS RCPTMAX=1 MAILMAX=2'] });
    const outcomes = await Promise.all([box.deliver(letter(three)), box.deliver(letter(three))]);
    assert.deepEqual([...new Set(outcomes.flatMap(kinds))], ['relayed 2.0.0']);
    assert.deepEqual(transactions(peer).map(said => said.slice(0, 1)), ['1', '1', '2', '2', '3', '3']);
    assert.deepEqual(transactions(peer).map(said => said.slice(3)).toSorted(), ['a', 'a', 'b', 'b', 'c', 'c']);
  });

  test(`${how}: lost in the middle of a message that takes several connections: nobody gets it twice`, async t => {
    const { peer, box } = await set(t, { extensions: [...extensions, 'LIMITS RCPTMAX=1 MAILMAX=1'], act: ({ step, connection }) => (step === 'mail' && connection === 2 ? drop : undefined) });
    assert.deepEqual(kinds(await box.deliver(letter(three))), ['relayed 2.0.0', 'deferred 4.4.2', 'deferred 4.4.2']);
    assert.deepEqual(transactions(peer), ['1: a']);
  });
}

test('surplus recipients of a connection that breaks after the dot: only who was accepted is uncertain', async t => {
  const limit = atMost(1, '452 4.5.3 Too many');
  const { box } = await set(t, { extensions: [], act: asked => (asked.step === 'dot' ? drop : limit(asked)) });
  const outcomes = inOrder(await box.deliver(letter(three)));
  assert.deepEqual(outcomes.map(outcome => outcome.kind === 'deferred' && outcome.uncertain === true), [true, false, false]);
});
