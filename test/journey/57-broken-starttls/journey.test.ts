/** A host whose STARTTLS breaks gets its mail in clear for hours, a restart included; `posthorn flush` asks it anew. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAuthority } from '../../props/authority.ts';
import { boxFor } from '../../props/box.ts';
import { post } from '../../props/post.ts';
import { drop, openScriptedPeer } from '../../props/scripted-peer.ts';

test('broken STARTTLS is remembered across a restart, and forgiven by a flush', { timeout: 60_000 }, async (t) => {
  const { context } = createAuthority().issue('peer.example');
  const peer = await openScriptedPeer({ extensions: ['STARTTLS', 'PIPELINING'], tls: context, act: ({ step, before }) => (step === 'starttls' && before === 0 ? drop : undefined) });
  t.after(() => peer.close());
  const box = await boxFor(t, { nextHop: peer.port, files: { esmtptimeoutkeepalive: '0\n' } });
  const asked = () => peer.lines.filter(line => /^STARTTLS/i.test(line)).length;
  const sent = async (token: string) => {
    await post(box, { token, to: [`${token}@there.example`] });
    await box.logged(token, line => line.event === 'delivery' && line['addr'] === `${token}@there.example` && line['status'] === 'success');
  };

  await box.start();
  await sent('first');
  assert.deepEqual([asked(), peer.messages.at(-1)?.secure], [1, false]);
  assert.equal(await box.stop(), 0);

  await box.start();
  await sent('second');
  assert.deepEqual([asked(), peer.messages.at(-1)?.secure], [1, false], 'the new gateway does not try it');
  assert.equal((await box.run(['flush'])).code, 0);
  await sent('third');
  assert.deepEqual([asked(), peer.messages.at(-1)?.secure], [2, true]);
  assert.equal(await box.stop(), 0);
});
