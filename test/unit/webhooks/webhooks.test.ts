import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { EventOutbox } from '../../../src/core/event-outbox.ts';
import type { LogFields } from '../../../src/core/log.ts';
import { createMemoryOutbox, openLmdbQueue } from '../../../src/flow/queue/index.ts';
import { silent } from '../../../src/core/log.ts';
import { readEvent } from '../../../src/front/webhooks/event.ts';
import { retryAfterMs } from '../../../src/front/webhooks/hook.ts';
import { openWebhooks, type WebhookRule } from '../../../src/front/webhooks/index.ts';
import { openKernels } from '../../../src/kit/wasm/kernels.ts';
import { createMetrics } from '../../../src/kit/metrics.ts';
import { createFakeClock, type FakeClock } from '../../props/fake-clock.ts';
import { isSigned, openHookServer, type HookServer } from '../../props/hook-server.ts';
import { scratchFolder } from '../../props/scratch-folder.ts';
import { eventually } from '../../props/within.ts';

const SECRET = 'a secret of some length'.replaceAll(' ', '-');
const ALL = new Set(['accepted', 'delivered', 'deferred', 'failed', 'fax', 'alarm'] as const);

function ruleFor(server: Pick<HookServer, 'url'>, more: Partial<WebhookRule> = {}): WebhookRule {
  return { name: 'office', url: server.url, secret: SECRET, events: ALL, keep: 1000, timeoutMs: 5000, via: undefined, privateHosts: true, ...more };
}

function failure(id: number, more: LogFields = {}): LogFields {
  return { id: `Q${id}`, from: 'ada@sender.example', addr: 'bob@there.example', size: 1000, module: 'esmtp', host: 'there.example', attempt: 1, status: 'failure', code: '5.1.1', kind: 'failed', relay: 'mx.there.example', text: '550 5.1.1 No', ...more };
}

interface Around {
  readonly clock?: FakeClock;
  readonly outbox?: EventOutbox;
}

async function set(t: TestContext, { clock = createFakeClock(), outbox = createMemoryOutbox(clock) }: Around = {}) {
  const lines: (readonly [string, string, LogFields | undefined])[] = [];
  const line = (level: string) => (event: string, fields?: LogFields) => void lines.push([level, event, fields]);
  const metrics = createMetrics();
  const webhooks = openWebhooks({
    version: '1.2.3', outbox, clock, chance: { between: (_low, high) => high }, metrics,
    ownLog: { info: line('info'), warn: line('warn'), error: line('error') },
  });
  t.after(() => webhooks.close());
  const troubleOf = (name: string) => webhooks.states().find(state => state.name === name)?.trouble ?? null;
  /** The attempt has failed; how long until the next one. Time stands still while anything is on the wire. */
  async function pauseAfter(attempt: number, name = 'office'): Promise<number> {
    await eventually(20_000, `attempt ${attempt} to fail`, () => troubleOf(name)?.attempts === attempt);
    return (troubleOf(name)?.nextAt ?? 0) - clock.now();
  }
  /** Lets every pause pass until something has happened. */
  async function retryUntil(what: string, seen: () => boolean, name = 'office'): Promise<void> {
    const nextAt = () => troubleOf(name)?.nextAt ?? 0;
    while (!seen()) {
      await eventually(20_000, what, () => seen() || nextAt() > clock.now());
      await clock.set(Math.max(clock.now(), nextAt()));
    }
  }
  return { clock, outbox, webhooks, lines, metrics, pauseAfter, retryUntil, fail: (id: number, more?: LogFields) => webhooks.log.info('delivery', failure(id, more)) };
}

async function server(t: TestContext): Promise<HookServer> {
  const opened = await openHookServer();
  t.after(() => opened.close());
  return opened;
}

describe('webhooks', () => {
  it('post what happens, in order, signed, with fixed names', async t => {
    const { webhooks, clock, fail } = await set(t);
    const office = await server(t);
    await webhooks.use('gateway.example', [ruleFor(office)]);
    webhooks.log.info('newmsg', { id: 'Q0', from: 'ada@sender.example', recipients: 2, size: 1000, source: 'esmtp', relay: '192.0.2.1', auth: undefined });
    webhooks.log.info('delivery', failure(0, { status: 'success', code: '2.0.0', kind: 'relayed', text: '250 2.0.0 Taken' }));
    fail(1);
    webhooks.log.warn('alarm', { alarm: 'messages', state: 'raised', value: 11, limit: 10, text: '11 messages' });
    webhooks.log.info('completed', { id: 'Q0' });
    webhooks.log.info('error', { relay: '192.0.2.1', reply: '550 5.7.1 no' });
    await office.until('four events', () => office.taken.length === 4);
    const at = new Date(clock.now()).toISOString();
    assert.deepEqual(office.taken.map(event => ({ ...event, id: undefined })).map(event => JSON.parse(JSON.stringify(event)) as unknown), [
      { type: 'accepted', at, message: 'Q0', sender: 'ada@sender.example', recipients: 2, sizeOctets: 1000, source: 'esmtp', client: '192.0.2.1' },
      { type: 'delivered', at, message: 'Q0', sender: 'ada@sender.example', recipient: 'bob@there.example', sizeOctets: 1000, transport: 'esmtp', nexthop: 'there.example', attempt: 1, status: '2.0.0', outcome: 'relayed', peer: 'mx.there.example', said: '250 2.0.0 Taken' },
      { type: 'failed', at, message: 'Q1', sender: 'ada@sender.example', recipient: 'bob@there.example', sizeOctets: 1000, transport: 'esmtp', nexthop: 'there.example', attempt: 1, status: '5.1.1', outcome: 'failed', peer: 'mx.there.example', said: '550 5.1.1 No' },
      { type: 'alarm', at, alarm: 'messages', state: 'raised', value: 11, limit: 10, text: '11 messages' },
    ]);
    assert.equal(new Set(office.taken.map(event => event.id)).size, 4);
    for (const request of office.requests) {
      assert.deepEqual([request.gateway, request.hook, request.lost, request.headers['content-type'], request.headers['user-agent']], ['gateway.example', 'office', 0, 'application/json', 'Posthorn/1.2.3']);
      assert.ok(isSigned(request, SECRET));
      assert.equal(isSigned({ ...request, body: `${request.body} ` }, SECRET), false);
      assert.equal(isSigned(request, `${SECRET}x`), false);
    }
  });

  it('puts together what comes close to each other, and does not wait for more than a moment', async t => {
    const { webhooks, clock } = await set(t);
    const office = await server(t);
    await webhooks.use('gateway.example', [ruleFor(office)]);
    for (let n = 0; n < 250; n++) webhooks.log.info('newmsg', { id: `Q${n}`, size: 1 });
    await office.until('two full parcels', () => office.taken.length === 200);
    await clock.advance(10);
    await office.until('the rest', () => office.taken.length === 250);
    assert.deepEqual(office.taken.map(event => event['message']), Array.from({ length: 250 }, (_, n) => `Q${n}`));
    assert.ok(office.requests.length <= 4, `${office.requests.length} requests`);
  });

  it('sends the same again, later and later, until it is taken; and says so twice in the log, not each time', async t => {
    const { webhooks, fail, lines, clock, pauseAfter, metrics } = await set(t);
    const office = await server(t);
    const answers: HookServer['answer'][] = [() => 500, () => 'hang up', () => 302, () => 204];
    office.answer = request => (answers.length > 1 ? answers.shift() : answers[0])?.(request) ?? 204;
    await webhooks.use('gateway.example', [ruleFor(office)]);
    fail(1);
    const pauses: number[] = [];
    for (const attempt of [1, 2, 3]) {
      pauses.push(await pauseAfter(attempt));
      await clock.advance(pauses.at(-1) ?? 0);
    }
    await eventually(20_000, 'the trouble to be over', () => webhooks.states()[0]?.trouble === null);
    assert.deepEqual([pauses, office.requests.length], [[1000, 2000, 4000], 4]);
    assert.equal(new Set(office.requests.map(({ events }) => JSON.stringify(events))).size, 1, 'the same events under the same ids');
    assert.ok(office.requests.every(request => isSigned(request, SECRET)));
    assert.deepEqual(lines.map(([level, event, fields]) => [level, event, fields?.['what'], fields?.['why']]), [['warn', 'webhook', 'does not take events', 'HTTP 500'], ['info', 'webhook', 'takes events again', undefined]]);
    assert.match(await metrics.render(), /posthorn_webhook_events_total\{hook="office",result="taken"\} 1/);
  });

  it('keeps order behind an event that is not taken, and another hook does not wait for it', async t => {
    const { webhooks, fail, pauseAfter, retryUntil } = await set(t);
    const [slow, quick] = [await server(t), await server(t)];
    slow.answer = () => 503;
    await webhooks.use('gateway.example', [ruleFor(slow, { name: 'slow' }), ruleFor(quick, { name: 'quick' })]);
    for (let n = 0; n < 5; n++) fail(n);
    await quick.until('all', () => quick.taken.length === 5);
    await pauseAfter(1, 'slow');
    assert.equal(slow.taken.length, 0);
    slow.answer = () => 200;
    await retryUntil('all', () => slow.taken.length === 5, 'slow');
    assert.deepEqual(slow.taken.map(event => event['message']), ['Q0', 'Q1', 'Q2', 'Q3', 'Q4']);
    assert.deepEqual(slow.taken.map(event => event.id), quick.taken.map(event => event.id), 'one event has one id');
  });

  it('waits as long as it is asked to, and no longer than an hour', async t => {
    const { webhooks, fail, clock, pauseAfter } = await set(t);
    const office = await server(t);
    office.answer = () => ({ status: 429, headers: { 'retry-after': '120' } });
    await webhooks.use('gateway.example', [ruleFor(office)]);
    fail(1);
    assert.equal(await pauseAfter(1), 120_000);
    office.answer = () => ({ status: 503, headers: { 'retry-after': '999999' } });
    await clock.advance(120_000);
    assert.equal(await pauseAfter(2), 3_600_000);
    const now = Date.parse('2026-01-01T00:00:00Z');
    for (const [field, ms] of [[undefined, 0], ['5', 5000], ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000], ['Wed, 31 Dec 2025 00:00:00 GMT', 0], ['soon', 0], ['-5', 0], ['', 0]] as const) assert.equal(retryAfterMs(field, now), ms, String(field));
  });

  it('asks for less at once when the request is too large', async t => {
    const { webhooks, fail, retryUntil } = await set(t);
    const office = await server(t);
    office.answer = request => (request.events.length > 3 ? 413 : 204);
    await webhooks.use('gateway.example', [ruleFor({ url: 'http://127.0.0.1:1/' })]);
    for (let n = 0; n < 20; n++) fail(n);
    await webhooks.use('gateway.example', [ruleFor(office)]);
    await retryUntil('all', () => office.taken.length === 20);
    assert.deepEqual(office.taken.map(event => event['message']), Array.from({ length: 20 }, (_, n) => `Q${n}`));
  });

  it('a hook that is dead costs a fixed room, and hears later how many it missed', async t => {
    const { webhooks, fail, outbox, pauseAfter, retryUntil, metrics } = await set(t);
    const office = await server(t);
    office.answer = () => 500;
    await webhooks.use('gateway.example', [ruleFor(office, { keep: 10 })]);
    for (let n = 0; n < 1000; n++) fail(n);
    await pauseAfter(1);
    assert.deepEqual([outbox.waiting('office').events, webhooks.states()[0]?.lost], [10, 990]);
    office.answer = () => 200;
    await retryUntil('what is left', () => office.taken.length === 10);
    assert.deepEqual([office.taken[0]?.['message'], office.requests.at(-1)?.lost], ['Q990', 990]);
    fail(2000);
    await office.until('one more', () => office.taken.length === 11);
    assert.equal(office.requests.at(-1)?.lost, 0, 'told once');
    assert.match(await metrics.render(), /result="lost"\} 990/);
  });

  it('gives up what nobody took for three days', async t => {
    const { webhooks, fail, clock, pauseAfter } = await set(t);
    const office = await server(t);
    office.answer = () => 500;
    await webhooks.use('gateway.example', [ruleFor(office)]);
    fail(1);
    await pauseAfter(1);
    office.answer = () => 200;
    await clock.advance(4 * 86_400_000);
    fail(2);
    await office.until('the new one', () => office.taken.length > 0);
    assert.deepEqual([office.taken.map(event => event['message']), office.requests.at(-1)?.lost], [['Q2'], 1]);
  });

  it('hooks get the kinds they ask for; a fax is told as what became of it too', async t => {
    const { webhooks, fail, clock } = await set(t);
    const [failures, faxes] = [await server(t), await server(t)];
    await webhooks.use('gateway.example', [ruleFor(failures, { name: 'failures', events: new Set(['failed']) }), ruleFor(faxes, { name: 'faxes', events: new Set(['fax']) })]);
    webhooks.log.info('newmsg', { id: 'Q1', size: 1, source: 'esmtp' });
    webhooks.log.info('newmsg', { id: 'Q2', size: 1, source: 'fax' });
    fail(3);
    fail(4, { module: 'fax' });
    fail(5, { module: 'fax', status: 'success' });
    fail(6, { status: 'deferred' });
    await clock.advance(10);
    await failures.until('two', () => failures.taken.length === 2);
    await faxes.until('three', () => faxes.taken.length === 3);
    assert.deepEqual(failures.taken.map(event => event['message']), ['Q3', 'Q4']);
    assert.deepEqual(faxes.taken.map(event => [event.type, event['message']]), [['accepted', 'Q2'], ['failed', 'Q4'], ['delivered', 'Q5']]);
    assert.equal(readEvent('delivery', { status: 'unheard of' }), null);
    const told = (event: string, fields: LogFields) => [readEvent(event, fields)?.type, readEvent(event, fields)?.kinds];
    assert.deepEqual(told('fax-in', { modem: 'left', kind: 'fax', pages: 3 }), ['fax-in', ['fax']]);
    assert.deepEqual(told('fax-call', { number: '5551234', confirmed: 2 }), ['fax-call', ['fax']]);
    assert.deepEqual(told('fax-modem', { modem: 'left', kind: 'gone', why: 'no such device' }), ['fax-modem', ['fax', 'alarm']]);
    assert.deepEqual(told('fax-modem', { modem: 'left', kind: 'in-use' }), [undefined, undefined]);
    assert.deepEqual(told('uucp-silent', { trouble: 'mail waits' }), ['alarm', ['alarm']]);
  });

  it('a changed hook goes on with what waits; a removed one takes it along', async t => {
    const { webhooks, fail, outbox } = await set(t);
    const [old, next] = [await server(t), await server(t)];
    old.answer = () => 500;
    await webhooks.use('gateway.example', [ruleFor(old), ruleFor(old, { name: 'gone' })]);
    fail(1);
    await old.until('both tried', () => old.requests.length >= 2);
    await webhooks.use('gateway.example', [ruleFor(next)]);
    await next.until('the event', () => next.taken.length === 1);
    assert.deepEqual([outbox.waiting('gone').events, webhooks.states().map(state => state.name)], [0, ['office']]);
    await webhooks.use('gateway.example', []);
    fail(2);
    assert.deepEqual([webhooks.states(), outbox.waiting('office').events], [[], 0]);
  });

  it('closing does not wait for who never answers, and loses nothing', async t => {
    const clock = createFakeClock();
    const outbox = createMemoryOutbox(clock);
    const { webhooks, fail } = await set(t, { clock, outbox });
    const office = await server(t);
    office.answer = () => 'silence';
    await webhooks.use('gateway.example', [ruleFor(office)]);
    fail(1);
    await office.until('the request', () => office.requests.length === 1);
    webhooks.log.info('newmsg', { id: 'Q2', size: 1 });
    await webhooks.close();
    assert.equal(outbox.waiting('office').events, 2, 'what still lingered is kept too');
  });

  it('goes on after a crash where it was, with the same ids', async t => {
    const folder = scratchFolder('webhooks');
    const clock = createFakeClock();
    const queue = () => openLmdbQueue({ folder, clock, kernels: openKernels(), log: silent, watermarkOctets: 0 });
    const office = await server(t);
    office.answer = () => 500;
    const before = await queue();
    const first = await set(t, { clock, outbox: before.outbox });
    await first.webhooks.use('gateway.example', [ruleFor(office)]);
    for (let n = 0; n < 3; n++) first.fail(n);
    await office.until('an attempt', () => office.requests.length > 0);
    await first.webhooks.close();
    await before.close();
    office.answer = () => 204;
    const after = await queue();
    const second = await set(t, { clock, outbox: after.outbox });
    await second.webhooks.use('gateway.example', [ruleFor(office)]);
    await office.until('all three', () => office.taken.length === 3);
    assert.deepEqual(office.taken.map(event => event['message']), ['Q0', 'Q1', 'Q2']);
    assert.equal(office.requests[0]?.events[0]?.id, office.taken[0]?.id);
    await second.webhooks.close();
    await after.close();
  });

  it('does not knock at private doors when told not to', async t => {
    const { webhooks, fail, pauseAfter } = await set(t);
    const office = await server(t);
    await webhooks.use('gateway.example', [ruleFor(office, { privateHosts: false })]);
    fail(1);
    await pauseAfter(1);
    assert.match(webhooks.states()[0]?.trouble?.why ?? '', /^forbidden: 127\.0\.0\.1/);
    assert.equal(office.requests.length, 0);
  });

  it('tests a hook past what waits, and shows no secret of its address', async t => {
    const { webhooks, fail } = await set(t);
    const office = await server(t);
    office.answer = request => (request.events[0]?.type === 'test' ? 202 : 500);
    await webhooks.use('gateway.example', [ruleFor(office)]);
    fail(1);
    await office.until('an attempt', () => office.requests.length > 0);
    assert.deepEqual(await webhooks.test('office'), { taken: true, said: 'HTTP 202' });
    office.answer = () => 410;
    assert.deepEqual(await webhooks.test('office'), { taken: false, said: 'HTTP 410' });
    assert.equal(await webhooks.test('nobody'), null);
    const [state] = webhooks.states();
    assert.deepEqual([state?.host, state?.waiting.events], [`http://127.0.0.1:${office.port}`, 1]);
    assert.equal(JSON.stringify(state).includes(SECRET), false);
  });

  it('without a hook, an event costs nothing: not even a look at it', async t => {
    const { webhooks } = await set(t);
    const untouched = new Proxy({}, { get: () => assert.fail('somebody looked') });
    webhooks.log.info('newmsg', untouched);
    webhooks.log.info('delivery', untouched);
  });
});
