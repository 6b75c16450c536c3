/** Messages by what an operator knows of them: the domain, the way out, the sender. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Address, Origin } from '../../../src/core/envelope.ts';
import type { Wanted } from '../../../src/core/operations.ts';
import type { Router } from '../../../src/core/transport.ts';
import { createMemoryQueue } from '../../../src/flow/queue/index.ts';
import { createWantedMessages } from '../../../src/gateway/wanted-messages.ts';
import { domainOf } from '../../../src/grammar/address.ts';
import { openKernels } from '../../../src/kit/wasm/kernels.ts';
import { createFakeClock } from '../../props/fake-clock.ts';
import { envelope, post, recipient } from '../../props/queue-messages.ts';

/** Next hops by domain: the second firm's own way, a smarthost as it is used, a mailbox, everybody's. */
const router: Router = {
  route: ({ address }, { origin }) => {
    const domain = domainOf(address);
    if (domain === 'here.example') return { kind: 'route', transport: 'local', nexthop: address };
    if (domain === 'relayed.example') return { kind: 'route', transport: 'esmtp', nexthop: 'smart.example,587 required as box' };
    return { kind: 'route', transport: 'esmtp', nexthop: origin.virtualHost === undefined ? domain : `${domain} for ${origin.virtualHost}` };
  },
};

const letters: readonly (readonly [name: string, to: readonly string[], origin?: Partial<Origin>, from?: string | null])[] = [
  ['plain', ['bob@there.example']],
  ['second', ['bob@there.example'], { virtualHost: 'second.example', login: 'Ann@second.example' }],
  ['relayed', ['x@relayed.example']],
  ['mixed', ['ann@here.example', 'bob@sub.there.example'], {}, null],
  ['umlaut', ['a@b\u00fccher.example']],
];

const rows: readonly (readonly [Wanted, readonly string[]])[] = [
  ['all', ['plain', 'second', 'relayed', 'mixed', 'umlaut']],
  [{ route: 'there.example' }, ['plain', 'second']],
  [{ route: 'esmtp/There.Example' }, ['plain', 'second']],
  [{ route: 'there.example for second.example' }, ['second']],
  [{ route: 'smart.example,587' }, ['relayed']],
  [{ route: 'smart.example,587 required as box' }, ['relayed']],
  [{ route: 'smart.example' }, []],
  [{ route: 'local' }, ['mixed']],
  [{ route: 'local/ann@here.example' }, ['mixed']],
  [{ domain: 'there.example' }, ['plain', 'second']],
  [{ domain: '.there.example' }, ['mixed']],
  [{ domain: 'xn--bcher-kva.example' }, ['umlaut']],
  [{ domain: 'B\u00fccher.example' }, ['umlaut']],
  [{ from: 'ann@second.example' }, ['second']],
  [{ from: '<>' }, ['mixed']],
];

test('what is wanted is found, and nothing else', async () => {
  const clock = createFakeClock(Date.now());
  const kernels = openKernels();
  const store = createMemoryQueue({ clock, kernels });
  const names = new Map<string, string>();
  for (const [name, to, origin = {}, from = 'ada@sender.example'] of letters) {
    const committed = await post(store, kernels, clock.now(), undefined, {
      seal: { envelope: { ...envelope, reversePath: from as Address | null, origin: { ...envelope.origin, ...origin } }, recipients: to.map((address, n) => recipient(n, address)) },
    });
    assert.ok(committed.kind === 'committed');
    names.set(committed.id, name);
  }
  const wanted = createWantedMessages(store, router);
  for (const [which, expected] of rows) {
    const found: (string | undefined)[] = [];
    for await (const { message } of wanted.list(which)) found.push(names.get(message.id));
    assert.deepEqual(found, expected, JSON.stringify(which));
  }
});
