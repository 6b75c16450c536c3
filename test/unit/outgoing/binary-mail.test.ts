/** Mail without lines: as it is for who takes it so, in base64 for everybody else, and never half of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outcome } from '../../../src/core/outcome.ts';
import type { Delivery, Transport } from '../../../src/core/transport.ts';
import { createBinaryMail, createOutgoing } from '../../../src/flow/outgoing/index.ts';
import { openKernels } from '../../../src/kit/wasm/kernels.ts';
import { silent } from '../../../src/core/log.ts';
import { letter } from '../../props/esmtp-box.ts';
import { createFakeClock } from '../../props/fake-clock.ts';
import fc from '../../props/fast-check.ts';

const kernels = openKernels();
const never = new AbortController().signal;
const relayed: Outcome = { kind: 'relayed', status: '2.0.0' };

interface Sent {
  readonly body: string;
  readonly to: readonly string[];
  readonly text: string;
  readonly job: Delivery;
}

function postOffice(answer: (job: Delivery, address: string) => Outcome = () => relayed) {
  const sent: Sent[] = [];
  const transport: Transport = {
    name: 'esmtp', limits: { recipients: 100, perNexthop: 4, inAll: 10 }, close: () => Promise.resolve(), queueTimeMs: () => 7,
    async deliver(job) {
      const pieces: Uint8Array[] = [];
      for await (const piece of job.content.read()) pieces.push(piece);
      const octets = Buffer.concat(pieces);
      assert.equal(octets.length, job.content.sizeOctets, 'the size that is announced is the one that is sent');
      sent.push({ body: job.envelope.body, to: job.recipients.map(({ address }) => address), text: octets.toString('latin1'), job });
      return new Map(job.recipients.map(({ id, address }) => [id, answer(job, address)]));
    },
  };
  return { transport, sent };
}

const binary = (octets: Buffer, header: string, own: Parameters<typeof letter>[0] = {}): Delivery => {
  const whole = Buffer.concat([Buffer.from(header), octets]);
  return letter({ envelope: { body: 'binarymime' }, sizeOctets: whole.length, pieces: () => [whole], ...own });
};
const single = 'Mime-Version: 1.0\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n';

/** The body that a reader finds behind the empty line. */
function decoded(text: string): Buffer {
  assert.match(text, /^Content-Transfer-Encoding: base64\r$/m);
  return Buffer.from(text.slice(text.indexOf('\r\n\r\n') + 4), 'base64');
}

test('any octets come out of base64 as they went in, however they are cut, and what goes over the wire has lines', async () => {
  await fc.assert(fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 4000 }), fc.integer({ min: 1, max: 500 }), async (some, step) => {
    const octets = Buffer.concat([Buffer.from([0]), some]);
    const { transport, sent } = postOffice();
    const whole = Buffer.concat([Buffer.from(single), octets]);
    const pieces = Array.from({ length: Math.ceil(whole.length / step) }, (_, n) => whole.subarray(n * step, (n + 1) * step));
    await createBinaryMail({ transport, kernels }).deliver(letter({ envelope: { body: 'binarymime' }, sizeOctets: whole.length, pieces: () => pieces }), never);
    assert.equal(sent[0]?.body, '7bit');
    assert.ok(decoded(sent[0]?.text ?? '').equals(octets));
    assert.doesNotMatch(sent[0]?.text ?? '', /\r(?!\n)|(?<!\r)\n|[^\r\n]{999}|[^\n\r\t -~]/);
  }), { numRuns: 50 });
});

test('each part by itself: text stays readable, binary parts are encoded, a long one too', async () => {
  const image = Buffer.alloc(600_000, 'a\nb\r\r\n--X--\r\n\0');
  const message = Buffer.concat([Buffer.from('--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\ngr\u00fc\u00dfe\r\n--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n'), image, Buffer.from('\r\n--b--\r\n')]);
  const { transport, sent } = postOffice();
  await createBinaryMail({ transport, kernels }).deliver(binary(message, 'Mime-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\n'), never);
  const [header = '', text = '', picture = '', end] = (sent[0]?.text ?? '').split(/\r\n--b(?:--)?\r\n|^--b\r\n/m);
  assert.match(header, /Content-Transfer-Encoding: 7bit\r\n/);
  assert.match(text, /quoted-printable[^]*gr=C3=BC=C3=9Fe$/);
  assert.ok(decoded(picture).equals(image));
  assert.equal(end, '');
});

test('a label that is missing, or says too little, does not let a bare line end through', async () => {
  for (const header of ['Subject: x\r\n\r\n', 'Mime-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n', 'Mime-Version: 1.0\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: 8bit\r\n\r\n']) {
    const { transport, sent } = postOffice();
    await createBinaryMail({ transport, kernels }).deliver(binary(Buffer.from('one\n.\ntwo\r'), header), never);
    assert.equal(decoded(sent[0]?.text ?? '').toString(), 'one\n.\ntwo\r', header);
  }
});

test('what cannot be put into lines fails, and nobody gets a broken message', async () => {
  const signed = '--s\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n\0\n\r\n--s--\r\n';
  const rows: readonly (readonly [string, string])[] = [
    ['Mime-Version: 1.0\r\nContent-Type: multipart/signed; boundary=s; protocol="application/pkcs7-signature"\r\n\r\n', signed],
    ['Mime-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=""\r\n\r\n', '\0\n'],
    ['Mime-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n', 'preamble\n\r\n--b\r\n\r\nx\r\n--b--\r\n'],
    ['Mime-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n', '--b\r\nX-Part: a\nMAIL FROM:<x@y>\r\n\r\nx\r\n--b--\r\n'],
  ];
  for (const [header, body] of rows) {
    const { transport, sent } = postOffice();
    const outcomes = await createBinaryMail({ transport, kernels }).deliver(binary(Buffer.from(body), header), never);
    assert.deepEqual([...outcomes.values()].map(({ kind, status }) => [kind, status]), [['failed', '5.6.3']], header);
    assert.equal(sent.length, 0);
  }
  const { transport } = postOffice();
  const unreadable = await createBinaryMail({ transport, kernels }).deliver(letter({ envelope: { body: 'binarymime' }, pieces: async function* () { yield Buffer.from('x'); throw new Error('disk'); } }), never);
  assert.equal([...unreadable.values()][0]?.status, '4.3.0');
});

test('who may take it as it is gets it so; only those who refuse it so get it in lines', async () => {
  const { transport, sent } = postOffice((job, address) => (job.envelope.body === 'binarymime' && address.startsWith('old') ? { kind: 'failed', status: '5.6.3' } : address.startsWith('nobody') ? { kind: 'failed', status: '5.1.1' } : relayed));
  const job = binary(Buffer.from('\0\n'), single, { to: ['new@there.example', 'old@there.example', 'nobody@there.example'] });
  const outcomes = await createBinaryMail({ transport, kernels, mayTake: true }).deliver(job, never);
  assert.deepEqual([...outcomes.values()].map(({ status }) => status), ['2.0.0', '2.0.0', '5.1.1']);
  assert.deepEqual(sent.map(({ body, to }) => [body, to.length]), [['binarymime', 3], ['7bit', 1]]);
  assert.equal(sent[0]?.job, job, 'untouched');
  assert.ok(decoded(sent[1]?.text ?? '').equals(Buffer.from('\0\n')));
});

test('other mail passes without a look, and the transport stays what it is', async () => {
  const { transport, sent } = postOffice();
  const wrapped = createBinaryMail({ transport, kernels });
  const job = letter();
  await wrapped.deliver(job, never);
  assert.equal(sent[0]?.job, job);
  assert.deepEqual([wrapped.name, wrapped.limits, wrapped.queueTimeMs?.()], ['esmtp', transport.limits, 7]);
});

test('what is signed on its way out is put into lines first, so that the signature is over what anybody can take', async () => {
  const { transport, sent } = postOffice();
  const signers = { none: false, keysOf: () => [] };
  const outgoing = createOutgoing({ transport, mannerOf: () => undefined, signers, kernels, toSevenBit: content => content.read(), clock: createFakeClock(), log: silent });
  const whole: Transport = { ...transport, deliver: (job, signal) => outgoing.deliver(job, signal) };
  const job = binary(Buffer.from('\0\n'), `From: ada@sender.example\r\n${single}`);
  const outcomes = await createBinaryMail({ transport: whole, kernels, mayTake: true }).deliver(job, never);
  assert.deepEqual([...outcomes.values()].map(({ kind }) => kind), ['relayed']);
  assert.deepEqual(sent.map(({ body }) => body), ['7bit']);
});
