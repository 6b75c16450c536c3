/** What every transport promises (core/transport.ts), whatever it carries mail with. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import type { Delivery, Transport } from '../../src/core/transport.ts';
import { letter } from '../props/esmtp-box.ts';
import { within } from '../props/within.ts';

export interface TransportStage {
  readonly transport: Transport;
  /** Recipients whose local-part begins with `deferred`, `failed` or `held` are treated so; all others are taken. */
  readonly nexthop: string;
}

export function transportContract(name: string, open: (t: TestContext) => Promise<TransportStage>): void {
  const never = () => new AbortController().signal;
  const to = (nexthop: string, ...locals: readonly string[]): Delivery => letter({ nexthop, to: locals.map(local => `${local}@there.example`) });
  const kinds = (delivery: Delivery, outcomes: Awaited<ReturnType<Transport['deliver']>>) => delivery.recipients.map(({ id }) => outcomes.get(id)?.kind);

  describe(`transport contract: ${name}`, () => {
    test('answers for every recipient, each in its own way', async t => {
      const { transport, nexthop } = await open(t);
      const delivery = to(nexthop, 'one', 'deferred', 'failed', 'two');
      const outcomes = await transport.deliver(delivery, never());
      assert.equal(outcomes.size, 4);
      const [one, deferred, failed, two] = kinds(delivery, outcomes);
      assert.deepEqual([deferred, failed], ['deferred', 'failed']);
      for (const kind of [one, two]) assert.ok(kind === 'relayed' || kind === 'delivered');
    });

    test('statuses have the class of their kind, and a deferral says whose trouble it is', async t => {
      const { transport, nexthop } = await open(t);
      for (const outcome of (await transport.deliver(to(nexthop, 'one', 'deferred', 'failed'), never())).values()) {
        assert.equal(outcome.status[0], { relayed: '2', delivered: '2', expanded: '2', deferred: '4', failed: '5' }[outcome.kind]);
        if (outcome.kind === 'deferred') assert.ok(['recipient', 'message', 'nexthop'].includes(outcome.blame));
      }
    });

    test('has limits that allow at least one delivery to one recipient', async t => {
      const { limits } = (await open(t)).transport;
      assert.ok(limits.recipients >= 1 && limits.perNexthop >= 1 && limits.inAll >= limits.perNexthop);
    });

    test('takes as many deliveries at once as it says, and answers each', async t => {
      const { transport, nexthop } = await open(t);
      const all = await Promise.all(Array.from({ length: transport.limits.perNexthop * 3 }, (_, n) => transport.deliver(to(nexthop, `n${n}`), never())));
      for (const outcomes of all) assert.deepEqual([...outcomes.values()].map(({ status }) => status[0]), ['2']);
    });

    test('giving up ends a delivery soon, as a deferral', async t => {
      const { transport, nexthop } = await open(t);
      const giveUp = new AbortController();
      const delivery = to(nexthop, 'held');
      const under = transport.deliver(delivery, giveUp.signal);
      setImmediate(() => giveUp.abort());
      assert.deepEqual(kinds(delivery, await within(5000, 'the deferral', under)), ['deferred']);
    });

    test('a signal that has fired already sends nothing', async t => {
      const { transport, nexthop } = await open(t);
      const delivery = to(nexthop, 'one');
      assert.deepEqual(kinds(delivery, await transport.deliver(delivery, AbortSignal.abort())), ['deferred']);
    });

    test('closed, it defers what comes late', async t => {
      const { transport, nexthop } = await open(t);
      await transport.deliver(to(nexthop, 'one'), never());
      await within(5000, 'close()', transport.close());
      const delivery = to(nexthop, 'two');
      assert.deepEqual(kinds(delivery, await transport.deliver(delivery, never())), ['deferred']);
    });
  });
}
