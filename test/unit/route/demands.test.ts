import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Address, Envelope, RecipientId } from '../../../src/core/envelope.ts';
import type { Route, Settled } from '../../../src/core/transport.ts';
import { demandingRouter } from '../../../src/flow/route/index.ts';

const to = { id: 0 as RecipientId, address: 'bob@there.example' as Address };
const envelope: Envelope = { reversePath: null, body: '7bit', smtputf8: false, origin: { source: 'esmtp', protocol: 'ESMTP', at: 0 } };
const by = (transport: string): Route => ({ kind: 'route', transport, nexthop: 'there' });

test('mail that demands TLS goes by ESMTP or stays here, and fails elsewhere; other mail goes where it goes', async () => {
  const rows: readonly (readonly [Partial<Envelope>, string, string])[] = [
    [{}, 'uucp', 'uucp'],
    [{ security: 'starttls' }, 'esmtp', 'esmtp'],
    [{ security: 'starttls' }, 'local', 'local'],
    [{ security: 'starttls' }, 'uucp', '5.7.4'],
    [{ security: 'starttls' }, 'pipe', '5.7.4'],
    [{ requireTls: true }, 'fax', '5.7.30'],
    [{ requireTls: true }, 'local', 'local'],
  ];
  for (const [own, transport, wanted] of rows) {
    for (const answer of [by(transport), Promise.resolve(by(transport))]) {
      const found: Route | Settled = await demandingRouter({ route: () => answer }).route(to, { ...envelope, ...own });
      assert.equal(found.kind === 'route' ? found.transport : found.outcome.status, wanted, JSON.stringify([own, transport]));
    }
  }
});
