import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { silent } from '../../../src/core/log.ts';
import type { PublishedPolicy } from '../../../src/core/tls.ts';
import { openReportDuty, openTlsCollection, type ReportTerms } from '../../../src/flow/tls-report/index.ts';
import type { FileSystem } from '../../../src/kit/file/durable-file.ts';
import type { HttpAnswer, HttpFailure, HttpRequest } from '../../../src/kit/net/http-client.ts';
import type { Answer } from '../../../src/kit/dns/resolver.ts';
import { createHandClock } from '../../props/hand-clock.ts';
import { scratchFor } from '../../props/scratch.ts';

const NOON = Date.UTC(2026, 10, 21, 12);
const MIDNIGHT = Date.UTC(2026, 10, 22);
const HOUR = 3_600_000;
/** A disk that takes no time, so that the clock alone decides when things happen. */
const nothing = (): Promise<void> => Promise.resolve();
const noDisk: FileSystem = {
  open: () => Promise.resolve({ write: nothing, writeAt: nothing, read: () => Promise.resolve(0), sync: nothing, close: nothing }),
  rename: nothing, unlink: nothing, mkdir: nothing, readdir: () => Promise.resolve([]),
};
const reporter = { organization: 'Us', contact: 'postmaster@us.example', me: 'us.example' };

function set(t: TestContext, own: Partial<ReportTerms> = {}) {
  const clock = createHandClock(NOON, 30);
  const collection = openTlsCollection({ folder: scratchFor(t, 'tlsrpt'), clock, log: silent, everyMs: 2 ** 40, files: noDisk });
  const posted: { readonly to: string; readonly content: string }[] = [];
  const requests: HttpRequest[] = [];
  const asked: string[] = [];
  const world: { txt: Answer<string>; web: HttpAnswer | HttpFailure; posts: boolean } = {
    txt: { kind: 'found', records: ['v=TLSRPTv1; rua=mailto:tls@there.example'], ttl: 60, authentic: false },
    web: { kind: 'answer', status: 200, headers: new Map(), body: Buffer.alloc(0), url: '' },
    posts: true,
  };
  const published: PublishedPolicy = { kind: 'no-policy-found', domain: 'there.example', lines: [] };
  collection.note({ published, relay: { host: 'mx.there.example' } });
  const open = () => openReportDuty({
    collection, clock, log: silent, chance: { between: (_low, high) => high / 4 },
    resolver: { txt: name => { asked.push(name); return Promise.resolve(world.txt); } },
    http: { request: one => { requests.push(one); return Promise.resolve(world.web); } },
    post: (to, content) => { if (world.posts) posted.push({ to, content: content.toString() }); return Promise.resolve(world.posts); },
    terms: () => ({ reporter, from: 'Us <postmaster@us.example>', send: true, folder: null, ...own }),
  });
  const duty = open();
  t.after(async () => {
    await duty.close();
    await collection.close();
  });
  const settled = () => collection.results('2026-11-21')[0]?.reported;
  return { clock, collection, posted, requests, asked, world, settled, open };
}

test('after the day, and not at midnight: a letter that RFC 8460 knows, once', async t => {
  const { clock, posted, asked, settled } = set(t);
  await clock.runTo(MIDNIGHT + HOUR - 1000);
  assert.deepEqual([posted.length, asked], [0, []], 'not yet');
  await clock.runTo(MIDNIGHT + HOUR + 1000);
  assert.deepEqual(asked, ['_smtp._tls.there.example']);
  assert.equal(settled(), 'sent to tls@there.example');
  const [letter] = posted;
  assert.equal(letter?.to, 'tls@there.example');
  const [head = '', body = ''] = letter?.content.split(/\r\n\r\n([^]*)/) ?? [];
  for (const field of [
    'From: Us <postmaster@us.example>', 'To: <tls@there.example>', 'TLS-Report-Domain: there.example', 'TLS-Report-Submitter: us.example', 'TLS-Required: No', 'Auto-Submitted: auto-generated',
    'Subject: Report Domain: there.example Submitter: us.example Report-ID: <2026-11-21.there.example@us.example>',
  ]) assert.ok(head.split('\r\n').includes(field), field);
  assert.match(head, /\r\nContent-Type: multipart\/report; report-type="tlsrpt"; boundary="/);
  assert.match(body, /Content-Type: application\/tlsrpt\+gzip\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename="us\.example!there\.example!1795219200!1795305599\.json\.gz"/);
  assert.ok(!letter?.content.split('\r\n').some(line => line.length > 200));
  const base64 = /json\.gz"\r\n\r\n([A-Za-z0-9+/=\r\n]+)--/.exec(body)?.[1] ?? '';
  assert.deepEqual(JSON.parse(gunzipSync(Buffer.from(base64, 'base64')).toString()), {
    'organization-name': 'Us', 'date-range': { 'start-datetime': '2026-11-21T00:00:00Z', 'end-datetime': '2026-11-21T23:59:59Z' }, 'contact-info': 'postmaster@us.example',
    'report-id': '2026-11-21.there.example@us.example',
    'policies': [{ 'policy': { 'policy-type': 'no-policy-found', 'policy-domain': 'there.example' }, 'summary': { 'total-successful-session-count': 1, 'total-failure-session-count': 0 } }],
  });
  await clock.runTo(MIDNIGHT + 30 * HOUR);
  assert.equal(posted.length, 1);
});

test('by HTTPS; tried again by the hour until it is taken, and not for ever', async t => {
  const { clock, requests, world, settled } = set(t);
  world.txt = { kind: 'found', records: ['v=TLSRPTv1; rua=https://there.example/secret'], ttl: 60, authentic: false };
  world.web = { kind: 'answer', status: 503, headers: new Map(), body: Buffer.alloc(0), url: '' };
  await clock.runTo(MIDNIGHT + 3.5 * HOUR);
  assert.deepEqual([requests.length, settled()], [3, undefined]);
  const [request] = requests;
  assert.deepEqual([request?.method, request?.url, request?.headers], ['POST', 'https://there.example/secret', { 'content-type': 'application/tlsrpt+gzip' }]);
  world.web = { ...world.web, status: 201 };
  await clock.runTo(MIDNIGHT + 5 * HOUR);
  assert.equal(settled(), 'sent to https://there.example');
  const never = set(t);
  never.world.txt = world.txt;
  never.world.web = { kind: 'unreachable', why: 'host unreachable' };
  await never.clock.runTo(MIDNIGHT + 40 * HOUR);
  assert.equal(never.settled(), 'given up: https://there.example: host unreachable');
  assert.ok(never.requests.length > 20 && never.requests.length < 32, String(never.requests.length));
});

test('nobody asks, or nobody can be asked: told to nobody', async t => {
  const quiet = set(t);
  quiet.world.txt = { kind: 'none', noSuchDomain: false, authentic: false };
  await quiet.clock.runTo(MIDNIGHT + 2 * HOUR);
  assert.deepEqual([quiet.settled(), quiet.posted.length, quiet.asked.length], ['nobody asks for it', 0, 1]);
  const blind = set(t);
  blind.world.txt = { kind: 'unavailable', why: 'SERVFAIL' };
  await blind.clock.runTo(MIDNIGHT + 4 * HOUR);
  assert.equal(blind.settled(), undefined);
  blind.world.txt = { kind: 'found', records: ['v=TLSRPTv1; rua=mailto:tls@there.example'], ttl: 60, authentic: false };
  await blind.clock.runTo(MIDNIGHT + 6 * HOUR);
  assert.equal(blind.posted.length, 1);
  const full = set(t);
  full.world.posts = false;
  await full.clock.runTo(MIDNIGHT + 3 * HOUR);
  full.world.posts = true;
  await full.clock.runTo(MIDNIGHT + 5 * HOUR);
  assert.equal(full.posted.length, 1, 'the queue had no room, and then it had');
});

test('written to a folder, sent to nobody', async t => {
  const folder = scratchFor(t, 'reports');
  const { clock, posted, settled } = set(t, { send: false, folder });
  await clock.runTo(MIDNIGHT + HOUR + 1000);
  while (settled() === undefined) await clock.settle();
  assert.deepEqual([settled(), posted.length], ['written', 0]);
  const [name = ''] = readdirSync(folder);
  assert.equal(name, 'us.example!there.example!1795219200!1795305599.json.gz');
  assert.match(gunzipSync(readFileSync(join(folder, name))).toString(), /^\{"organization-name":"Us",.*\}\n$/);
});
