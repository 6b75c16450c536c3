/** A batch that cannot be taken whole now: uuxqt keeps the job, and the next run takes up where this one stopped. */
import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { MessageId } from '../../../src/core/envelope.ts';
import type { LocalSubmission, Operations } from '../../../src/core/operations.ts';
import { refuse } from '../../../src/core/status.ts';
import { rsmtp } from '../../../src/front/cli/uucp/rsmtp.ts';
import { scratchFolder } from '../../props/scratch-folder.ts';

function batch(count: number): string {
  return `HELO siteb\n${Array.from({ length: count }, (_, n) => `MAIL FROM:<ada@there.example>\nRCPT TO:<bob${n}@here.example> NOTIFY=FAILURE\nDATA\nSubject: ${n}\n\n..dot\n.\n`).join('')}QUIT\n`;
}

interface Took {
  readonly to: string;
  readonly content: string;
  readonly demands: Pick<LocalSubmission, 'security' | 'verp' | 'requireTls'>;
}

function desk(refusals: (to: string) => ReturnType<typeof refuse> | null) {
  const folder = scratchFolder('rsmtp');
  const state = scratchFolder('rsmtp-state');
  writeFileSync(join(folder, 'me'), 'here.example\n');
  writeFileSync(join(folder, 'statedir'), `${state}\n`);
  const took: Took[] = [];
  const submit = async (message: LocalSubmission) => {
    const to = message.recipients[0] ?? '';
    const refusal = refusals(to);
    // A refusal at RCPT comes before the content is read.
    if (refusal !== null) return refusal;
    const pieces: Uint8Array[] = [];
    for await (const piece of message.content) pieces.push(piece);
    const { security, verp, requireTls } = message;
    took.push({ to, content: Buffer.concat(pieces).toString(), demands: { ...(security === undefined ? {} : { security }), ...(verp === undefined ? {} : { verp }), ...(requireTls === undefined ? {} : { requireTls }) } });
    return { kind: 'queued' as const, id: 'X' as MessageId };
  };
  const nobody = () => { throw new Error('not asked for'); };
  const queue: Operations = { list: nobody, show: nobody, content: nobody, verify: nobody, exportMessages: nobody, importMessages: nobody, overview: nobody, tracked: nobody, forgetTracked: nobody, bans: nobody, clearBans: nobody, order: nobody, summary: nobody, reload: nobody, stop: nobody, devices: nobody, recent: nobody, links: nobody, orderLink: nobody, webhooks: nobody, testWebhook: nobody, tlsResults: nobody, submit };
  async function run(octets: Uint8Array, environment: Record<string, string> = { UU_MACHINE: 'siteb', UU_USER: 'uucp' }): Promise<number> {
    const sink = (): PassThrough => new PassThrough().resume();
    return rsmtp.run([], {
      stdin: Readable.from([octets], { objectMode: false }), stdout: sink(), stderr: sink(), environment, version: '0', folder,
      rooms: { start: nobody, running: () => Promise.resolve(queue), offline: nobody, uucp: nobody, lookUpMx: nobody, lookUpTxt: nobody, oauth: nobody, attempts: nobody, faxProof: nobody, faxDesk: nobody, addresses: nobody, deputy: nobody, maildrop: nobody },
    });
  }
  return { run, took, state };
}

test('refused for now in the middle: 75, and the next run begins there', async () => {
  let full = true;
  const { run, took, state } = desk(to => (full && to.startsWith('bob2') ? refuse('queueFull') : null));
  const octets = gzipSync(batch(5));
  assert.equal(await run(octets), 75);
  assert.deepEqual(took.map(({ to }) => to), ['bob0@here.example', 'bob1@here.example']);
  assert.equal(readdirSync(join(state, 'uucp', 'incoming')).length, 1);
  // Another batch in between is not taken for this one.
  assert.equal(await run(gzipSync(batch(1))), 0);
  full = false;
  assert.equal(await run(octets), 0);
  assert.deepEqual(took.map(({ to }) => to.slice(0, 4)), ['bob0', 'bob1', 'bob0', 'bob2', 'bob3', 'bob4']);
  assert.ok(took.every(({ content }) => /^Subject: \d\r\n\r\n\.dot\r\n$/.test(content)));
  assert.deepEqual(readdirSync(join(state, 'uucp', 'incoming')), []);
});

test('what the envelope demands is not lost on the way', async () => {
  const { run, took } = desk(() => null);
  assert.equal(await run(Buffer.from('EHLO siteb\nMAIL FROM:<ada@there.example> SECURITY=STARTTLS VERP REQUIRETLS\nRCPT TO:<bob@here.example>\nDATA\nx\n.\nMAIL FROM:<ada@there.example>\nRCPT TO:<eve@here.example>\nDATA\nx\n.\nQUIT\n')), 0);
  assert.deepEqual(took.map(({ demands }) => demands), [{ security: 'starttls', verp: true, requireTls: true }, {}]);
});

test('refused for good: the rest is taken, the sender is told', async () => {
  const { run, took } = desk(to => (to.startsWith('bob1') ? refuse('tooLarge') : null));
  assert.equal(await run(Buffer.from(batch(3))), 0);
  const told = took.find(({ to }) => to === 'ada@there.example');
  assert.match(told?.content ?? '', /552 Message too large[^]*Final-Recipient: rfc822; bob1@here\.example/);
  assert.deepEqual(took.map(({ to }) => to), ['bob0@here.example', 'ada@there.example', 'bob2@here.example', 'postmaster@here.example']);
});

test('what is no batch, what is broken from the first octet, and whom uuxqt did not call', async () => {
  const { run, took } = desk(() => null);
  assert.equal(await run(Buffer.from('nothing of the kind\n')), 65);
  assert.equal(await run(Buffer.from([0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8])), 65);
  assert.equal(await run(Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 9, 9, 9, 9, 9])), 65);
  assert.equal(await run(Buffer.from(batch(1)), {}), 77);
  assert.deepEqual(took, []);
  assert.equal(await run(Buffer.from('')), 0);
});
