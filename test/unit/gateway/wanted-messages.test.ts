/** Messages by what an operator knows of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Address, Envelope } from '../../../src/core/envelope.ts';
import type { Wanted } from '../../../src/core/operations.ts';
import { createMemoryQueue } from '../../../src/flow/queue/index.ts';
import { createWantedMessages } from '../../../src/gateway/wanted-messages.ts';
import { openKernels } from '../../../src/kit/wasm/kernels.ts';
import { createFakeClock } from '../../props/fake-clock.ts';
import { envelope, idOf, post, text } from '../../props/queue-messages.ts';

const senders: readonly (readonly [string, Partial<Omit<Envelope, 'reversePath'>> & { readonly reversePath: string | null }])[] = [
  ['plain', { reversePath: 'Ada@Example.com' }],
  ['login', { reversePath: 'other@example.net', origin: { ...envelope.origin, login: 'ada' } }],
  ['report', { reversePath: null }],
  ['below', { reversePath: 'x@mail.example.com' }],
  ['idn', { reversePath: 'jörg@bücher.example', smtputf8: true }],
];

test('by sender: an address whatever its case, a login, a domain, all below one, reports', async () => {
  const clock = createFakeClock();
  const kernels = openKernels();
  const store = createMemoryQueue({ clock, kernels });
  const names = new Map<string, string>();
  for (const [name, own] of senders) {
    const id = idOf(await post(store, kernels, clock.now(), text(10), { seal: { envelope: { ...envelope, ...own, reversePath: own.reversePath as Address | null } } }));
    names.set(id, name);
  }
  const wanted = createWantedMessages(store, { route: () => Promise.reject(new Error('nobody asks for a route')) });
  const found = async (which: Wanted) => {
    const list: string[] = [];
    for await (const { message } of wanted.list(which)) list.push(names.get(message.id) ?? '');
    return list;
  };
  for (const [from, all] of [
    ['ada@example.COM', ['plain']], ['<ada@example.com>', ['plain']], ['ADA', ['login']], ['@example.com', ['plain']], ['@.example.com', ['below']],
    ['<>', ['report']], ['', ['report']], ['@xn--bcher-kva.example', ['idn']], ['@BÜCHER.example', ['idn']], ['nobody@example.com', []], ['example.com', []],
  ] as const) assert.deepEqual(await found({ from }), all, from);
  const ids: string[] = [];
  for await (const one of wanted.selections({ from: '@example.com' })) ids.push(...(typeof one === 'object' && 'ids' in one ? one.ids : []));
  assert.deepEqual(ids.map(id => names.get(id)), ['plain']);
  await store.close();
});
