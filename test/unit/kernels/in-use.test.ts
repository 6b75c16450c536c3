/** That it is the WASM kernels that work on mail: each room counts what it asked of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryQueue } from '../../../src/flow/queue/memory-store.ts';
import { openKernels } from '../../../src/kit/wasm/kernels.ts';
import { detectBuild } from '../../../src/kit/wasm/module.ts';
import { at, letter, openEsmtpBox } from '../../props/esmtp-box.ts';
import { createHandClock } from '../../props/hand-clock.ts';
import { contentOf, post as queue } from '../../props/queue-messages.ts';
import { openReceiveBox } from '../../props/receive-box.ts';
import { post } from '../../props/post.ts';
import { openScriptedPeer } from '../../props/scripted-peer.ts';
import { slowXxh128 } from '../../props/slow-xxh3.ts';

test('the receive path: one reception a message, and its digest is XXH3 of the content', async t => {
  const box = await openReceiveBox();
  t.after(() => box.close());
  const reply = await post({ port: box.port }, { token: 'x', content: 'Subject: x\r\n\r\n.dot\r\n' });
  assert.equal(reply.code, 250);
  assert.equal(box.kernels.build, detectBuild());
  assert.equal(box.kernels.calls.reception, 1);
  const [kept] = box.kept;
  assert.ok(kept !== undefined);
  assert.deepEqual(Buffer.from(kept.facts.digest), Buffer.from(slowXxh128(kept.body)));
});

test('the ESMTP client: one stuffing a message', async t => {
  const kernels = openKernels();
  const peer = await openScriptedPeer();
  const box = openEsmtpBox(at(peer), { kernels });
  t.after(async () => {
    await peer.close();
    await box.close();
  });
  assert.equal((await box.deliverOne(letter({ text: 'Subject: x\r\n\r\n.dot\r\n' })))?.kind, 'relayed');
  assert.equal(kernels.calls.stuffing, 1);
  assert.ok(peer.messages[0]?.wire.includes('\r\n..dot\r\n'));
});

test('the queue: content read back is digested', async () => {
  const kernels = openKernels();
  const clock = createHandClock();
  const store = createMemoryQueue({ clock, kernels });
  await queue(store, kernels, clock.now(), Buffer.from('Subject: x\r\n\r\ny\r\n'));
  const before = kernels.calls.digest;
  const [claim] = await store.claim({ now: clock.now(), limit: 1, leaseMs: 60_000 });
  assert.ok(claim !== undefined);
  assert.ok((await contentOf(store, claim)).toString().endsWith('Subject: x\r\n\r\ny\r\n'));
  assert.ok(kernels.calls.digest > before);
});
