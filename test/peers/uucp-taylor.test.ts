/** The facts about Taylor UUCP that our transport stands on, asked of the real programs. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { RecipientId } from '../../src/core/envelope.ts';
import { silent } from '../../src/core/log.ts';
import { openUucp, type UucpPlan } from '../../src/flow/transport/uucp/index.ts';
import { readConfiguration } from '../../src/configuration.ts';
import { deliveryOf } from '../props/deliveries.ts';
import { createFakeClock } from '../props/fake-clock.ts';
import { openSites, uucpAbsent, type UucpSite } from '../props/uucp-sites.ts';

const skip = uucpAbsent();

async function siteOf(t: TestContext): Promise<{ readonly a: UucpSite; readonly open: (more?: Partial<UucpPlan>) => ReturnType<typeof openUucp> }> {
  const { a } = await openSites(t, { filesA: { uucpneighbors: 'siteb\tG\nunheard\n', uucpbatches: 'unheard rsmtp\n' } });
  const read = readConfiguration(a.box.config);
  assert.ok(read.kind === 'read');
  return {
    a,
    open(more = {}) {
      const uucp = openUucp({ plan: () => ({ ...read.configuration.uucp, me: 'sitea.example', ...more }), folder: join(a.folder, '..', 'outgoing'), clock: createFakeClock(Date.now()), log: silent, runs: false });
      t.after(() => uucp.close());
      return uucp;
    },
  };
}

test('Taylor UUCP: a job with its id, seen by uustat, its words as we gave them', { timeout: 60_000, skip }, async t => {
  const { a, open } = await siteOf(t);
  const uucp = open();
  const outcomes = await uucp.transport.deliver(deliveryOf({ nexthop: 'siteb', to: ['siteb!far!bob+tag=x@sitea.example', 'siteb!carol@sitea.example'] }), new AbortController().signal);
  const said = outcomes.get(0 as RecipientId)?.said?.text ?? '';
  assert.match(said, /^Given to uux for siteb, job siteb\.C\w+$/);
  const [state] = await uucp.neighbors();
  assert.equal(state?.node, 'siteb');
  assert.deepEqual(state.jobs.map(({ id, what }) => [id, what]), [[said.split(' ').at(-1), 'rmail -f sitea!there.example!ada far!bob+tag=x carol']]);
  assert.ok(state.jobs[0]!.octets > 50 && Math.abs(state.jobs[0]!.at - Date.now()) < 120_000);
  assert.match(readFileSync(join(a.folder, 'Log'), 'utf8'), /Queuing rmail -f sitea!there\.example!ada far!bob\+tag=x carol/);
});

test('Taylor UUCP: an unknown system is 69 and final, for a job and for a batch', { timeout: 60_000, skip }, async t => {
  const { open } = await siteOf(t);
  const single = await open({ batches: new Map() }).transport.deliver(deliveryOf({ nexthop: 'unheard', to: ['unheard!bob@sitea.example'] }), new AbortController().signal);
  assert.deepEqual(single.get(0 as RecipientId), { kind: 'failed', status: '5.1.2', said: { type: 'x-uucp', text: 'UUCP here knows no system unheard' } });
  const batched = await open().transport.deliver(deliveryOf({ nexthop: 'unheard', to: ['unheard!bob@sitea.example'] }), new AbortController().signal);
  assert.equal(batched.get(0 as RecipientId)?.status, '5.1.2');
});

test('Taylor UUCP: the last grade given holds, and UUXFLAGS may name it', { timeout: 60_000, skip }, async t => {
  const { a, open } = await siteOf(t);
  await open({ grades: [{ grade: 'd', sizeOctets: 10 ** 9 }] }).transport.deliver(deliveryOf({ nexthop: 'siteb', to: ['siteb!bob@sitea.example'] }), new AbortController().signal);
  assert.match(a.run('/usr/bin/uustat', ['-a']).stdout, /^siteb\.d/);
});
