/** Domains behind ours, as the world may answer them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Delivery, Transport } from '../../../src/core/transport.ts';
import { createPercentForm } from '../../../src/flow/outgoing/index.ts';
import { openKernels } from '../../../src/kit/wasm/kernels.ts';
import { letter } from '../../props/esmtp-box.ts';
import { addressOf } from '../../props/inspected.ts';

const kernels = openKernels();
const behind = { has: (domain: string) => domain === 'inner.example' };

async function leave(content: string, from: string | null, rule: { behind: typeof behind; us: string } | undefined = { behind, us: 'here.example' }): Promise<[string | null, string, Delivery]> {
  const sent: Delivery[] = [];
  const transport: Transport = {
    name: 'esmtp', limits: { recipients: 100, perNexthop: 4, inAll: 10 }, close: () => Promise.resolve(),
    deliver: job => {
      sent.push(job);
      return Promise.resolve(new Map());
    },
  };
  const job = letter({ text: content });
  await createPercentForm({ transport, kernels, rule: () => rule }).deliver({ ...job, envelope: { ...job.envelope, reversePath: from === null ? null : addressOf(from) } }, new AbortController().signal);
  const [only] = sent;
  assert.ok(only !== undefined);
  const pieces: Uint8Array[] = [];
  for await (const piece of only.content.read()) pieces.push(piece);
  const octets = Buffer.concat(pieces);
  assert.equal(only.content.sizeOctets, octets.length);
  return [only.envelope.reversePath, octets.toString('latin1'), only];
}

test('the envelope sender and five fields are named through us, recipients and everything else stay', async () => {
  const text = 'From: Ann <ann@inner.example>\r\nTo: bob@there.example,\r\n\tcarl@inner.example\r\nX-From: ann@inner.example\r\n\r\nFrom: ann@inner.example\r\n';
  const [from, sent, job] = await leave(text, 'ann@inner.example');
  assert.equal(from, 'ann%inner.example@here.example');
  assert.ok(sent.endsWith(text.replace('<ann@inner.example>', '<ann%inner.example@here.example>').replace('carl@inner.example', 'carl%inner.example@here.example')), sent);
  assert.deepEqual(job.recipients, letter({ text }).recipients);
});

test('without such domains, without such addresses and under a signature the content is the very same', async () => {
  const plain = 'From: ann@here.example\r\n\r\nx\r\n';
  const signed = 'DKIM-Signature: v=1\r\nFrom: ann@inner.example\r\n\r\nx\r\n';
  for (const [text, from, rule] of [[plain, 'ann@here.example', undefined], [plain, null, { behind, us: 'here.example' }], [signed, 'ann@inner.example', { behind, us: 'here.example' }]] as const) {
    const [, sent] = await leave(text, from, rule);
    assert.ok(sent.endsWith(text));
  }
});
