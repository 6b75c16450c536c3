import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { MessageId } from '../../../src/core/envelope.ts';
import { silent } from '../../../src/core/log.ts';
import type { ListedMessage, Operations } from '../../../src/core/operations.ts';
import { findRunning, openControlServer } from '../../../src/front/control/index.ts';

const root = mkdtempSync(join(tmpdir(), 'posthorn-control-'));
after(() => rmSync(root, { recursive: true }));

async function collect<T>(from: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of from) all.push(one);
  return all;
}

function operations(own: Partial<Operations>): Operations {
  const unasked = () => Promise.reject(new Error('not asked for in this test'));
  const nothing = () => { throw new Error('not asked for'); };
  return { list: nothing, show: unasked, content: nothing, verify: nothing, exportMessages: nothing, importMessages: unasked, overview: unasked, tracked: unasked, forgetTracked: unasked, bans: unasked, clearBans: unasked, order: unasked, summary: unasked, submit: unasked, reload: unasked, stop: unasked, devices: unasked, recent: unasked, links: unasked, orderLink: unasked, webhooks: unasked, testWebhook: unasked, tlsResults: unasked, ...own };
}

function listed(n: number): ListedMessage {
  return { id: `ID${n}` as MessageId, sizeOctets: n, acceptedAt: n, due: n, state: 'waiting', owner: 'x', reversePath: '', attempts: 0, recipients: [] };
}

test('a folder deeper than a socket path may be still has its socket, for the owner only; a dead one is replaced', async () => {
  const folder = join(root, 'x'.repeat(100), 'y'.repeat(100));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'control.sock'), '');
  const server = await openControlServer({ folder, operations: operations({ order: (which, order) => Promise.resolve(JSON.stringify([which, order]).length) }), log: silent });
  assert.equal(statSync(join(folder, 'control.sock')).mode & 0o777, 0o600);
  const running = await findRunning(folder);
  assert.ok(running !== null);
  assert.equal(await running.order({ id: 'A' as MessageId }, { cancel: 'why' }), '[{"id":"A"},{"cancel":"why"}]'.length);
  await server.close();
  assert.equal(await findRunning(folder), null);
  assert.equal(await findRunning(join(root, 'nowhere')), null);
});

test('a folder that its group may enter and write lets the group speak, one that it may only enter does not', async () => {
  for (const [mode, wanted] of [[0o770, 0o660], [0o2770, 0o660], [0o750, 0o600], [0o755, 0o600], [0o700, 0o600]] as const) {
    const folder = join(root, `mode-${mode.toString(8)}`);
    mkdirSync(folder);
    chmodSync(folder, mode);
    const server = await openControlServer({ folder, operations: operations({}), log: silent });
    const found = statSync(join(folder, 'control.sock')).mode & 0o777;
    await server.close();
    assert.equal(found, wanted, mode.toString(8));
  }
});

test('a long list comes whole, a trouble in its middle is an error and not a short list', async () => {
  const folder = join(root, 'list');
  mkdirSync(folder);
  const list: Operations['list'] = which => (async function* () {
    for (let n = 0; n < 20_000; n++) {
      if (which !== 'all' && n === 100) throw new Error('the disk broke');
      yield listed(n);
    }
    await Promise.resolve();
  })();
  const server = await openControlServer({ folder, operations: operations({ list }), log: silent });
  const running = await findRunning(folder);
  assert.ok(running !== null);
  const all = await collect(running.list('all'));
  assert.equal(all.length, 20_000);
  assert.deepEqual(all[19_999], listed(19_999));
  await assert.rejects(collect(running.list({ state: 'held' })), /the disk broke/);
  await server.close();
});

test('a submission arrives to the octet; one cut short is never queued', async () => {
  const folder = join(root, 'submit');
  mkdirSync(folder);
  const octets = Buffer.alloc(300_000, 'é\r\n\0.');
  const arrived: Buffer[] = [];
  const ended = Promise.withResolvers<unknown>();
  const server = await openControlServer({
    folder, log: silent,
    operations: operations({
      async submit({ content, reversePath }) {
        try {
          for await (const chunk of content) arrived.push(Buffer.from(chunk));
        } catch (error) {
          ended.resolve(error);
          throw error;
        }
        assert.equal(reversePath, 'a@b.example');
        return { kind: 'queued', id: 'Q' as MessageId };
      },
    }),
  });
  const running = await findRunning(folder);
  assert.ok(running !== null);
  const submission = { owner: 'x', reversePath: 'a@b.example', recipients: ['c@d.example'] };
  const answer = await running.submit({ ...submission, content: (async function* () { yield octets; await Promise.resolve(); })() });
  assert.deepEqual(answer, { kind: 'queued', id: 'Q' });
  assert.ok(Buffer.concat(arrived).equals(octets));
  await assert.rejects(running.submit({ ...submission, content: (async function* () { yield octets; await Promise.resolve(); throw new Error('the pipe broke'); })() }), /the pipe broke/);
  assert.match(String(await ended.promise), /ended early/);
  await server.close();
});

test('queue tools over the socket: octets to the octet, findings one by one, answers as they are', async () => {
  const folder = join(root, 'tools');
  mkdirSync(folder);
  const octets = Buffer.alloc(500_000, 'é\r\n\0.');
  const asked: unknown[] = [];
  const piecesOf = async function* () { for (let at = 0; at < octets.length; at += 99_999) yield octets.subarray(at, at + 99_999); await Promise.resolve(); };
  const server = await openControlServer({
    folder, log: silent,
    operations: operations({
      content: id => { asked.push(id); return piecesOf(); },
      exportMessages: (which, how) => { asked.push([which, how]); return piecesOf(); },
      async importMessages(content) {
        const pieces: Uint8Array[] = [];
        for await (const piece of content) pieces.push(Buffer.from(piece));
        assert.ok(Buffer.concat(pieces).equals(octets));
        return { imported: 3, known: 1, damaged: 0, complete: true };
      },
      async *verify(how) {
        asked.push(how);
        yield { kind: 'finding', id: 'A', part: 'record', why: 'checksum', became: 'left' };
        yield { kind: 'checked', messages: 7, octets: 70, last: true };
        await Promise.resolve();
      },
      show: id => Promise.resolve(id === ('A' as MessageId) ? null : Promise.reject(new Error('the disk broke'))),
      tracked: () => Promise.resolve([{ address: 'a@b', state: 'failure', at: 5 }]),
      forgetTracked: which => Promise.resolve(which === 'all' ? 9 : 1),
    }),
  });
  const running = await findRunning(folder);
  assert.ok(running !== null);
  for (const given of [running.content('A' as MessageId), running.exportMessages({ state: 'held' }, 'copy')]) {
    assert.ok(Buffer.concat(await collect(given)).equals(octets));
  }
  assert.deepEqual(await running.importMessages(piecesOf()), { imported: 3, known: 1, damaged: 0, complete: true });
  assert.deepEqual((await collect(running.verify('repair'))).map(({ kind }) => kind), ['finding', 'checked']);
  assert.equal(await running.show('A' as MessageId), null);
  await assert.rejects(running.show('B' as MessageId), /the disk broke/);
  assert.deepEqual(await running.tracked(), [{ address: 'a@b', state: 'failure', at: 5 }]);
  assert.deepEqual([await running.forgetTracked('all'), await running.forgetTracked({ address: 'a@b' })], [9, 1]);
  assert.deepEqual(asked, ['A', [{ state: 'held' }, 'copy'], 'repair']);
  await server.close();
});

test('a gateway that says nothing is not waited for without an end; who reads slowly is', { timeout: 20_000 }, async t => {
  const folder = join(root, 'silent');
  mkdirSync(folder);
  const never = new Promise<never>(() => undefined);
  const server = await openControlServer({ folder, log: silent, operations: operations({
    summary: () => never,
    submit: async ({ content }) => { for await (const _ of content) break; return never; },
    list: () => (async function* () {
      yield listed(1);
      yield await Promise.resolve(listed(2));
    })(),
  }) });
  t.after(() => server.close());
  const running = await findRunning(folder, { look: 50, work: 100 });
  assert.ok(running !== null);
  const late = { code: 'ETIMEDOUT', message: /^the gateway has said nothing for \d seconds/ };
  await assert.rejects(async () => running.summary(), late);
  await assert.rejects(() => running.submit({ owner: 'a', reversePath: '', recipients: ['b@c.example'], content: endless() }), late);
  const ids: string[] = [];
  for await (const { id } of (await findRunning(folder, { look: 1000, work: 1000 }))!.list('all')) {
    ids.push(id);
    // Longer than the gateway may take: reading page by page is nobody's silence.
    if (ids.length === 1) await new Promise(resolve => setTimeout(resolve, 1500));
  }
  assert.deepEqual(ids, ['ID1', 'ID2']);
});

/** More than the socket holds. */
async function* endless(): AsyncGenerator<Uint8Array> {
  for (let n = 0; n < 200; n++) yield await Promise.resolve(Buffer.alloc(65_536));
}
