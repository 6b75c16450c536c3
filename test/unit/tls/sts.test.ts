import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { silent } from '../../../src/core/log.ts';
import { openStsCache } from '../../../src/flow/tls/index.ts';
import { openStsPolicies } from '../../../src/flow/tls/sts.ts';
import { parseStsPolicy } from '../../../src/grammar/mta-sts.ts';
import { nodeFileSystem } from '../../../src/kit/file/durable-file.ts';
import type { HttpAnswer, HttpFailure, HttpRequest } from '../../../src/kit/net/http-client.ts';
import type { Answer } from '../../../src/kit/dns/resolver.ts';
import { createHandClock } from '../../props/hand-clock.ts';
import { scratchFor } from '../../props/scratch.ts';

const DAY = 86_400;

function policyText(more: { readonly mode?: string; readonly mx?: string; readonly maxAge?: number } = {}): string {
  return `version: STSv1\r\nmode: ${more.mode ?? 'enforce'}\r\nmx: ${more.mx ?? 'mx.there.example'}\r\nmax_age: ${more.maxAge ?? 10 * DAY}\r\n`;
}

function served(body: string, own: { readonly status?: number; readonly type?: string } = {}): HttpAnswer {
  return { kind: 'answer', status: own.status ?? 200, headers: new Map([['content-type', own.type ?? 'text/plain; charset=utf-8']]), body: Buffer.from(body), url: '' };
}

function set(t: TestContext, folder = scratchFor(t, 'sts')) {
  const clock = createHandClock();
  const requests: HttpRequest[] = [];
  const world: { txt: Answer<string>; web: HttpAnswer | HttpFailure } = {
    txt: { kind: 'found', records: ['v=STSv1; id=1'], ttl: 60, authentic: false },
    web: served(policyText()),
  };
  const sts = openStsPolicies({
    resolver: { txt: () => Promise.resolve(world.txt) },
    http: { request: asked => { requests.push(asked); return Promise.resolve(world.web); } },
    cache: openStsCache({ folder, log: silent }), clock, log: silent,
  });
  t.after(() => sts.close());
  const names = (id: string) => ({ kind: 'found', records: [`v=STSv1; id=${id}`], ttl: 60, authentic: false }) as const;
  return { sts, clock, requests, world, folder, names };
}

test('a policy is fetched once, as RFC 8461 says, kept on disk, and found there by the next process', async t => {
  const { sts, requests, folder, world } = set(t);
  const found = await sts.find('there.example');
  assert.ok(found.kind === 'policy' && found.policy.mode === 'enforce');
  await sts.find('there.example');
  assert.equal(requests.length, 1);
  const { url, timeoutMs, limitOctets, redirects } = requests[0] as HttpRequest;
  assert.deepEqual([url, timeoutMs, limitOctets, redirects], ['https://mta-sts.there.example/.well-known/mta-sts.txt', 60_000, 65_536, 0]);
  assert.deepEqual(readdirSync(folder), ['there.example']);
  const next = set(t, folder);
  next.world.web = { kind: 'unreachable', why: 'nobody there' };
  assert.deepEqual(await next.sts.find('there.example'), found);
  assert.equal(next.requests.length, 0);
  world.txt = { kind: 'none', noSuchDomain: true, authentic: false };
  assert.equal((await sts.find('other.example')).kind, 'none');
});

test('what is no policy: told why, not asked for again within five minutes, and nothing is kept', async t => {
  for (const [web, fault] of [
    [served('', { status: 404 }), 'sts-policy-fetch-error'],
    [served(policyText(), { status: 301 }), 'sts-policy-fetch-error'],
    [served(policyText(), { type: 'text/html' }), 'sts-policy-invalid'],
    [served('<html>'), 'sts-policy-invalid'],
    [{ kind: 'tls', why: 'TLS: certificate has expired' }, 'sts-webpki-invalid'],
    [{ kind: 'timeout', why: 'no answer within 60 s' }, 'sts-policy-fetch-error'],
    [{ kind: 'too-large', why: 'longer than 65536 octets' }, 'sts-policy-fetch-error'],
    [{ kind: 'proxy', why: 'proxy 127.0.0.1:1080: connection refused' }, 'sts-policy-fetch-error'],
  ] as const) {
    const { sts, requests, world, clock, folder } = set(t);
    world.web = web;
    const found = await sts.find('there.example');
    assert.ok(found.kind === 'trouble' && found.fault === fault, JSON.stringify([web, found]));
    assert.deepEqual(await sts.find('there.example'), found);
    assert.equal(requests.length, 1);
    await clock.runTo(clock.now() + 301_000);
    world.web = served(policyText());
    assert.equal((await sts.find('there.example')).kind, 'policy');
    assert.deepEqual(readdirSync(folder), ['there.example']);
  }
});

test('a known policy outlives its record and its server, to its last second', async t => {
  const { sts, world, clock } = set(t);
  await sts.find('there.example');
  for (const txt of [{ kind: 'none', noSuchDomain: false, authentic: false }, { kind: 'unavailable', why: 'SERVFAIL' }] as const) {
    world.txt = txt;
    const kept = await sts.find('there.example');
    assert.ok(kept.kind === 'policy' && kept.why?.startsWith('kept from before') === true);
  }
  await clock.runTo(clock.now() + 10 * DAY * 1000 + 1000);
  assert.equal((await sts.find('there.example')).kind, 'none');
});

test('a new id is fetched before it counts; when that fails the old policy holds', async t => {
  const { sts, world, requests, names, clock } = set(t);
  await sts.find('there.example');
  world.txt = names('2');
  world.web = served('', { status: 503 });
  const kept = await sts.find('there.example');
  assert.ok(kept.kind === 'policy' && kept.id === '1' && /503/.test(kept.why ?? ''));
  await clock.runTo(clock.now() + 301_000);
  world.web = served(policyText({ mode: 'none' }));
  const fresh = await sts.find('there.example');
  assert.ok(fresh.kind === 'policy' && fresh.id === '2' && fresh.policy.mode === 'none');
  assert.equal(requests.length, 3);
});

test('half of max_age over: fetched anew, by use or by the hour, and nobody waits for it', async t => {
  const used = set(t);
  await used.sts.find('there.example');
  used.clock.jump(used.clock.now() + 6 * DAY * 1000);
  used.world.web = served(policyText({ mx: 'new.there.example' }));
  const old = await used.sts.find('there.example');
  assert.ok(old.kind === 'policy');
  assert.deepEqual(old.policy.mx, ['mx.there.example']);
  const fresh = await used.sts.find('there.example');
  await used.clock.settle();
  const after = await used.sts.find('there.example');
  assert.ok(after.kind === 'policy' && fresh.kind === 'policy');
  assert.deepEqual(after.policy.mx, ['new.there.example']);

  const idle = set(t);
  await idle.sts.find('there.example');
  await idle.clock.runTo(idle.clock.now() + 4 * DAY * 1000);
  assert.equal(idle.requests.length, 1);
  await idle.clock.runTo(idle.clock.now() + 2 * DAY * 1000);
  assert.equal(idle.requests.length, 2, 'nobody wrote there, and the policy is fresh');
});

test('a max_age of nothing does not have us ask with every message', async t => {
  const { sts, world, requests, clock } = set(t);
  world.web = served(policyText({ maxAge: 0 }));
  for (let n = 0; n < 5; n++) assert.equal((await sts.find('there.example')).kind, 'policy');
  assert.equal(requests.length, 1);
  await clock.runTo(clock.now() + 301_000);
  await sts.find('there.example');
  assert.equal(requests.length, 2);
});

test('many at once ask once', async t => {
  const { sts, requests } = set(t);
  await Promise.all(Array.from({ length: 20 }, () => sts.find('there.example')));
  assert.equal(requests.length, 1);
});

test('the disk holds a bounded number, the longest unused goes; a broken file is nothing', async t => {
  const folder = scratchFor(t, 'cache');
  const cache = openStsCache({ folder, log: silent, domains: 3 });
  const parsed = parseStsPolicy(policyText());
  assert.ok(parsed.kind === 'read');
  const entry = (domain: string, fetchedAt: number) => ({ domain, id: 'a1', fetchedAt, policy: parsed.policy });
  for (const [n, domain] of ['a.example', 'b.example', 'c.example'].entries()) await cache.put(entry(domain, n));
  await cache.get('a.example');
  await cache.put(entry('d.example', 4));
  assert.deepEqual(readdirSync(folder).toSorted(), ['a.example', 'c.example', 'd.example']);
  assert.match(readFileSync(join(folder, 'd.example'), 'utf8'), /^id a1\nfetched 4\nversion: STSv1\n/);
  writeFileSync(join(folder, 'c.example'), 'id a1\nfetched 2\nnonsense');
  const again = openStsCache({ folder, log: silent, domains: 1 });
  assert.deepEqual((await again.all()).map(({ domain }) => domain), ['d.example']);
});

test('a disk that fails costs the copy, not the policy', async t => {
  const warned: unknown[] = [];
  const cache = openStsCache({ folder: scratchFor(t, 'full'), files: { ...nodeFileSystem, open: () => Promise.reject(new Error('ENOSPC')) }, log: { ...silent, warn: (...line) => void warned.push(line) } });
  const parsed = parseStsPolicy(policyText());
  assert.ok(parsed.kind === 'read');
  await cache.put({ domain: 'a.example', id: '1', fetchedAt: 0, policy: parsed.policy });
  assert.equal((await cache.get('a.example'))?.id, '1');
  assert.equal(warned.length, 1);
});

test('whoever only looks finds what is kept, and leaves nothing', async t => {
  const folder = scratchFor(t, 'sts-look');
  const parsed = parseStsPolicy(policyText());
  assert.ok(parsed.kind === 'read');
  const entry = { domain: 'kept.example', id: '1', fetchedAt: 1, policy: parsed.policy };
  await openStsCache({ folder, log: silent }).put(entry);
  const looking = openStsCache({ folder, log: silent, keeps: false });
  await looking.put({ ...entry, domain: 'new.example' });
  assert.deepEqual([(await looking.get('kept.example'))?.id, (await looking.get('new.example'))?.id, readdirSync(folder)], ['1', '1', ['kept.example']]);
});
