import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Origin } from '../../../src/core/envelope.ts';
import type { Transport } from '../../../src/core/transport.ts';
import { withoutBackscatter } from '../../../src/gateway/backscatter.ts';
import { sourceTag } from '../../../src/grammar/filter/control-file.ts';
import { letter } from '../../props/esmtp-box.ts';
import { silent } from '../../../src/core/log.ts';

const at = 0;
const tags: readonly (readonly [Origin, string])[] = [
  [{ source: 'esmtp', protocol: 'ESMTP', at }, 'smtp'],
  [{ source: 'esmtp', protocol: 'ESMTP', relayClient: '', at }, 'authsmtp'],
  [{ source: 'submission', protocol: 'ESMTPA', login: 'ada', at }, 'authsmtp'],
  [{ source: 'local', protocol: 'local', at }, 'local'],
  [{ source: 'dsn', protocol: 'dsn', about: 'smtp', at }, 'smtp/dsn'],
  [{ source: 'dsn', protocol: 'double-bounce', about: 'smtp/dsn', at }, 'smtp/dsn/dsn'],
  [{ source: 'dsn', protocol: 'dsn', at }, 'dsn'],
];

test('what is listed counts as delivered and never leaves; the rest leaves', async () => {
  const sent: string[] = [];
  const transport: Transport = {
    name: 'esmtp', limits: { recipients: 1, perNexthop: 1, inAll: 1 },
    deliver({ envelope, recipients }) {
      sent.push(sourceTag(envelope.origin));
      return Promise.resolve(new Map(recipients.map(({ id }) => [id, { kind: 'relayed', status: '2.1.5' }])));
    },
    close: () => Promise.resolve(),
  };
  for (const [origin, tag] of tags) assert.equal(sourceTag(origin), tag);
  const listed = withoutBackscatter(transport, () => new Set(['smtp/dsn', 'authsmtp/dsn']), silent);
  for (const [origin, tag] of tags) {
    const [outcome] = [...(await listed.deliver(letter({ envelope: { origin } }), new AbortController().signal)).values()];
    assert.deepEqual([outcome?.kind, outcome?.said?.text], tag === 'smtp/dsn' ? ['relayed', '250 Backscatter bounce dropped'] : ['relayed', undefined]);
  }
  assert.deepEqual(sent, tags.map(([, tag]) => tag).filter(tag => tag !== 'smtp/dsn'));
  await withoutBackscatter(transport, () => new Set(), silent).deliver(letter({ envelope: { origin: tags[4]![0] } }), new AbortController().signal);
  assert.equal(sent.at(-1), 'smtp/dsn', 'nothing is dropped where nothing is listed');
});
