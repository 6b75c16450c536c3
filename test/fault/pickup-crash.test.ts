/** A gateway that dies between queueing a message of the pickup folder and taking its file away: it is sent once, and reported once. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { after } from '../../src/core/clock.ts';
import type { Address, Recipient, RecipientId } from '../../src/core/envelope.ts';
import type { Intake } from '../../src/core/intake.ts';
import { silent } from '../../src/core/log.ts';
import type { QueueEntry, QueueStore } from '../../src/core/queue-store.ts';
import { refuse } from '../../src/core/status.ts';
import { openLmdbQueue } from '../../src/flow/queue/index.ts';
import { createReporter } from '../../src/flow/report/index.ts';
import { parseAddress } from '../../src/grammar/address.ts';
import { formatPickup } from '../../src/grammar/pickup.ts';
import { openKernels } from '../../src/kit/wasm/kernels.ts';
import { openPickupDesk } from '../../src/gateway/ways-in/pickup.ts';
import { compileRules } from '../../src/gateway/rules.ts';
import { boxFor } from '../props/box.ts';
import { createFakeClock } from '../props/fake-clock.ts';
import { scratchFor } from '../props/scratch.ts';
import { openSink } from '../props/sink.ts';
import { attachStrace, straceAbsent } from '../props/strace.ts';
import { within } from '../props/within.ts';
import { folderOf } from '../unit/config/folder-props.ts';

const kernels = openKernels();
const postmaster = parseAddress('postmaster@here.example') as Address;
const letter = (recipients: readonly string[]): string => `${formatPickup({ reversePath: 'ann@here.example', recipients: [...recipients] })}Subject: once\n\nOnce.\n`;

/** Queues what it is given; `dies` is asked after each commit. */
function doorOf(store: QueueStore, now: () => number, dies: (source: string) => boolean): Intake {
  return {
    open(origin, options) {
      const recipients: Recipient[] = [];
      let from: ReturnType<typeof parseAddress> = null;
      return {
        kind: 'open',
        mail(reversePath) {
          from = reversePath;
          return { kind: 'taken' };
        },
        rcpt(address) {
          if (address.startsWith('nobody@')) return refuse('noSuchMailbox');
          recipients.push({ id: recipients.length as RecipientId, address });
          return { kind: 'taken' };
        },
        data() {
          const draft = store.begin({ reversePath: from, body: '7bit', smtputf8: false, origin }, recipients, options?.idempotencyKey === undefined ? {} : { idempotencyKey: options.idempotencyKey });
          return {
            kind: 'writer',
            write: chunk => draft.write(Uint8Array.from(chunk)),
            async end(facts) {
              const committed = await draft.commit({ due: after(now() as never, 0), trace: new Uint8Array(), facts });
              assert.equal(committed.kind, 'committed');
              if (dies(origin.source)) throw new Error('the process dies here');
              return { kind: 'queued', id: draft.id, refused: new Map() };
            },
          };
        },
        abort: () => undefined,
      };
    },
  };
}

for (const [where, source] of [['the message', 'local'], ['the report', 'dsn']] as const) {
  test(`death right after ${where} was queued; it is delivered and gone before the next start`, async t => {
    const state = scratchFor(t, 'pickup-crash');
    const configuration = { ...folderOf(t, { me: 'here.example\n' }).read(), stateFolder: state };
    const rules = compileRules(configuration, { find: () => ({ kind: 'none' }) }, silent);
    const clock = createFakeClock(Date.now());
    const everything: QueueEntry[] = [];

    /** One life of the gateway; all that it finds in its queue is delivered. */
    async function live(dies: (source: string) => boolean): Promise<void> {
      const store = await openLmdbQueue({ folder: join(state, 'queue'), kernels, clock, log: silent, watermarkOctets: 0 });
      const intake = doorOf(store, clock.now, dies);
      const reporter = createReporter({ intake, kernels, clock, log: silent, me: 'here.example', postmaster });
      const pickup = await openPickupDesk(() => rules, { store, intake, reporter, kernels, clock, log: silent });
      await pickup.look();
      for await (const entry of store.list('all')) everything.push(entry);
      for (const claim of await store.claim({ now: after(clock.now(), 1000), limit: 10, leaseMs: 1000 })) await store.release(claim, 'finished');
      await pickup.close();
      await store.close();
    }

    mkdirSync(join(state, 'pickup'), { recursive: true });
    writeFileSync(join(state, 'pickup', 'msg.one'), letter(['bob@there.example', 'nobody@here.example']));
    await live(dying => dying === source);
    assert.deepEqual(readdirSync(join(state, 'pickup')), ['msg.one'], 'the file is still there');
    await live(() => false);
    assert.deepEqual(readdirSync(join(state, 'pickup')), []);
    assert.deepEqual(everything.map(({ message }) => message.envelope.origin.source).toSorted(), ['dsn', 'local']);
    // The same text again is another message.
    writeFileSync(join(state, 'pickup', 'msg.one'), letter(['bob@there.example']));
    await live(() => false);
    assert.equal(everything.length, 3);
  });
}

test('killed in the very call that takes the file away', { skip: straceAbsent(), timeout: 60_000 }, async t => {
  let asleep = true;
  const sink = await openSink({ answer: ({ stage }) => (asleep && stage === 'rcpt' ? '451 4.2.1 Asleep' : undefined) });
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port, files: { retryalpha: '1s\n' } });
  await box.start();
  const folder = join(box.folder, 'state', 'pickup');
  const name = join(folder, 'msg.once');
  await attachStrace(t, box.pid, ['-o', '/dev/null', '-P', name, '-e', 'trace=unlink,unlinkat', '-e', 'inject=unlink,unlinkat:signal=SIGKILL']);
  writeFileSync(join(folder, 'tmp.once'), letter(['bob@there.example']).replace('Subject: once', 'Subject: once\nX-Token: once'));
  renameSync(join(folder, 'tmp.once'), name);
  await within(20_000, 'the gateway to die', box.ended());
  assert.ok(existsSync(name));
  asleep = false;
  await box.start();
  await sink.arrival('once');
  await box.logged('completion', line => line.event === 'completed');
  assert.deepEqual([sink.count, existsSync(name)], [1, false]);
  assert.ok(box.log.filter(line => line.event === 'newmsg').length <= 1, 'the second life finds it queued');
  assert.equal(await box.stop(), 0);
});

test('a key of something outside is forgotten by itself when nobody can want it any more', async t => {
  const folder = join(scratchFor(t, 'outside-keys'), 'queue');
  const clock = createFakeClock(Date.now());
  const open = () => openLmdbQueue({ folder, kernels, clock, log: silent, watermarkOctets: 0 });
  const store = await open();
  const scan = kernels.openScan();
  const draft = store.begin({ reversePath: null, body: '7bit', smtputf8: false, origin: { source: 'fax', protocol: 'fax', at: 0 } }, [{ id: 0 as RecipientId, address: postmaster }], { idempotencyKey: 'fax:1' });
  assert.equal((await draft.commit({ due: after(clock.now(), 0), trace: new Uint8Array(), facts: scan.facts() })).kind, 'committed');
  for (const claim of await store.claim({ now: after(clock.now(), 1000), limit: 10, leaseMs: 1000 })) await store.release(claim, 'finished');
  await store.close();
  for (const [days, stands] of [[29, true], [2, false]] as const) {
    await clock.set(after(clock.now(), days * 86_400_000));
    const later = await open();
    assert.equal(later.queuedUnder('fax:1') !== null, stands);
    await later.close();
  }
});
