import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outcome } from '../../../src/core/outcome.ts';
import type { Transport } from '../../../src/core/transport.ts';
import { withOwnSenders } from '../../../src/gateway/own-senders.ts';
import { letter } from '../../props/esmtp-box.ts';

const relayed: Outcome = { kind: 'relayed', status: '2.0.0' };

function recording(): { transport: Transport; seen: string[] } {
  const seen: string[] = [];
  return {
    seen,
    transport: {
      name: 'plain',
      limits: { recipients: 10, perNexthop: 1, inAll: 1 },
      deliver({ envelope, recipients }) {
        seen.push(`${envelope.reversePath ?? ''} to ${recipients.map(({ address }) => address).join(' ')}${envelope.verp === true ? ' verp' : ''}`);
        return Promise.resolve(new Map(recipients.map(({ id }) => [id, relayed])));
      },
      close: () => Promise.resolve(),
    },
  };
}

test('a transport that knows no VERP sees a sender for each recipient, and everybody is answered for', async () => {
  const { transport, seen } = recording();
  const job = letter({ to: ['a@there.example', 'b@there.example'], envelope: { verp: true } });
  const outcomes = await withOwnSenders(transport).deliver(job, new AbortController().signal);
  assert.deepEqual(seen, ['ada-a=there.example@sender.example to a@there.example', 'ada-b=there.example@sender.example to b@there.example']);
  assert.equal(outcomes.size, 2);
});

test('everything else goes as it is: no VERP, the null sender', async () => {
  const { transport, seen } = recording();
  const own = withOwnSenders(transport);
  await own.deliver(letter({ to: ['a@there.example', 'b@there.example'] }), new AbortController().signal);
  await own.deliver(letter({ envelope: { verp: true, from: null } }), new AbortController().signal);
  assert.deepEqual(seen, ['ada@sender.example to a@there.example b@there.example', ' to bob@there.example verp']);
});
