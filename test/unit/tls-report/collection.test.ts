import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { silent } from '../../../src/core/log.ts';
import type { PublishedPolicy, TlsFailure } from '../../../src/core/tls.ts';
import { openTlsCollection } from '../../../src/flow/tls-report/index.ts';
import { nodeFileSystem } from '../../../src/kit/file/durable-file.ts';
import { createHandClock } from '../../props/hand-clock.ts';
import { scratchFor } from '../../props/scratch.ts';

const NOON = Date.UTC(2026, 10, 21, 12);
const DAY = 86_400_000;
const none = (domain: string): PublishedPolicy => ({ kind: 'no-policy-found', domain, lines: [] });
const sts = (domain: string): PublishedPolicy => ({ kind: 'sts', domain, lines: ['version: STSv1', 'mode: enforce'], mxHosts: ['mx.example'] });
const relay = { host: 'mx.example', address: '192.0.2.1' };
const expired: TlsFailure = { type: 'certificate-expired', why: 'CERT_HAS_EXPIRED' };

test('sessions are counted by domain, policy and failure, and found again by the next process', async t => {
  const folder = scratchFor(t, 'tlsrpt');
  const clock = createHandClock(NOON);
  const first = openTlsCollection({ folder, clock, log: silent });
  first.note({ published: sts('a.example'), relay });
  first.note({ published: sts('a.example'), relay, failure: expired });
  first.note({ published: sts('a.example'), relay, failure: expired });
  first.note({ published: { ...sts('a.example'), flaw: { type: 'sts-policy-fetch-error', why: 'timeout' } }, relay: { host: 'mx2.example' } });
  first.note({ published: none('b.example'), relay });
  await first.close();
  const wanted = [
    {
      day: '2026-11-21', domain: 'a.example',
      policies: [{
        kind: 'sts', lines: ['version: STSv1', 'mode: enforce'], mxHosts: ['mx.example'], successes: 1, failures: 3,
        details: [{ type: 'certificate-expired', why: 'CERT_HAS_EXPIRED', mx: 'mx.example', address: '192.0.2.1', count: 2 }, { type: 'sts-policy-fetch-error', why: 'timeout', mx: 'mx2.example', count: 1 }],
      }],
    },
    { day: '2026-11-21', domain: 'b.example', policies: [{ kind: 'no-policy-found', lines: [], successes: 1, failures: 0, details: [] }] },
  ];
  const next = openTlsCollection({ folder, clock, log: silent });
  t.after(() => next.close());
  assert.deepEqual(next.results('2026-11-21'), wanted);
  next.note({ published: sts('a.example'), relay, failure: expired });
  assert.deepEqual([next.results('2026-11-21')[0]?.policies[0]?.failures, next.results('2026-11-21')[0]?.policies[0]?.details[0]?.count], [4, 3]);
});

test('written every minute when something changed; a day has its own file; a week is kept', async t => {
  const folder = scratchFor(t, 'tlsrpt');
  let writes = 0;
  const files = { ...nodeFileSystem, open: (path: string, how: 'new' | 'read' | 'folder') => { writes += how === 'new' ? 1 : 0; return nodeFileSystem.open(path, how); } };
  const clock = createHandClock(NOON, 60);
  const collection = openTlsCollection({ folder, clock, log: silent, files });
  t.after(() => collection.close());
  collection.note({ published: none('a.example'), relay });
  await clock.runTo(clock.now() + 61_000);
  await collection.save();
  assert.equal(writes, 1);
  await clock.runTo(clock.now() + 180_000);
  assert.equal(writes, 1, 'nothing new, nothing written');
  clock.jump(NOON + DAY);
  collection.note({ published: none('a.example'), relay });
  await collection.save();
  assert.deepEqual(readdirSync(folder).toSorted(), ['2026-11-21.json', '2026-11-22.json']);
  assert.deepEqual(collection.days(), ['2026-11-21', '2026-11-22']);
  clock.jump(NOON + 8 * DAY);
  await collection.save();
  assert.deepEqual(readdirSync(folder).toSorted(), ['2026-11-22.json']);
});

test('bounded: who published nothing and had no trouble is forgotten first; failures beyond count without words', async t => {
  const folder = scratchFor(t, 'tlsrpt');
  const collection = openTlsCollection({ folder, clock: createHandClock(NOON), log: silent, domains: 3 });
  t.after(() => collection.close());
  collection.note({ published: sts('a.example'), relay });
  collection.note({ published: none('b.example'), relay, failure: expired });
  collection.note({ published: none('c.example'), relay });
  collection.note({ published: none('d.example'), relay });
  assert.deepEqual(collection.results('2026-11-21').map(({ domain }) => domain), ['a.example', 'b.example', 'd.example']);
  collection.note({ published: sts('e.example'), relay });
  collection.note({ published: sts('f.example'), relay });
  assert.deepEqual(collection.results('2026-11-21').map(({ domain }) => domain), ['a.example', 'b.example', 'e.example'], 'whoever has something to tell stays');
  for (let n = 0; n < 100; n++) collection.note({ published: sts('a.example'), relay: { host: `mx${n}.example` }, failure: { ...expired, why: 'x'.repeat(1000) } });
  const [policy] = collection.results('2026-11-21')[0]?.policies ?? [];
  assert.deepEqual([policy?.failures, policy?.details.length, policy?.details[0]?.why.length], [100, 50, 200]);
  for (let n = 0; n < 100; n++) collection.note({ published: { ...sts('a.example'), lines: [`id ${n}`] }, relay });
  assert.equal(collection.results('2026-11-21')[0]?.policies.length, 8);
});

test('a broken file is as none; a full disk loses no count in memory', async t => {
  const folder = scratchFor(t, 'tlsrpt');
  writeFileSync(join(folder, '2026-11-20.json'), '{"version":1,"results":[{"domain":"a');
  writeFileSync(join(folder, '2026-11-19.json'), '{"version":1,"results":[{"domain":1}]}');
  const warned: unknown[] = [];
  const files = { ...nodeFileSystem, open: () => Promise.reject(new Error('ENOSPC')) };
  const collection = openTlsCollection({ folder, clock: createHandClock(NOON), log: { ...silent, warn: (...one) => void warned.push(one) }, files });
  assert.deepEqual(collection.days(), ['2026-11-21']);
  collection.note({ published: none('a.example'), relay });
  await collection.save();
  assert.equal(warned.length, 1);
  assert.equal(collection.results('2026-11-21').length, 1);
  await collection.close();
});
