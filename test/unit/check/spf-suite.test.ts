/** Every case of the public suite for RFC 7208, on our own evaluator. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluateSpf } from '../../../src/flow/check/spf/evaluate.ts';
import { formatIpAddress, parseIpAddress } from '../../../src/grammar/config/network.ts';
import { tableResolver } from '../../props/names.ts';
import { readSpfSuite } from '../../props/spf-suite.ts';

const suite = readSpfSuite();

test('the suite is whole', () => {
  assert.ok(suite.length >= 200, `${suite.length} cases`);
});

for (const one of suite) {
  test(`${one.scenario}: ${one.name}`, async () => {
    const client = parseIpAddress(one.host);
    assert.ok(client !== null);
    const zone = Object.fromEntries(Object.entries(one.zone).map(([key, row]) => {
      const [kind = '', name = ''] = key.split(' ');
      const address = kind === 'ptr' ? parseIpAddress(name) : null;
      return [address === null ? key : `ptr ${formatIpAddress(address)}`, row];
    }));
    const at = one.mailfrom.lastIndexOf('@');
    const answer = await evaluateSpf({
      client, helo: one.helo, receiver: 'receiver.example', now: 0, resolver: tableResolver(zone),
      // RFC 7208 §2.4: without a sender, the name in HELO speaks for it.
      domain: one.mailfrom === '' ? one.helo : one.mailfrom.slice(at + 1),
      localPart: one.mailfrom === '' ? 'postmaster' : one.mailfrom.slice(0, Math.max(0, at)),
    }, new AbortController().signal);
    assert.ok(one.results.includes(answer.result), `${answer.result} (${answer.why ?? answer.mechanism ?? ''}), not ${one.results.join(' or ')}`);
    if (one.explanation !== undefined) assert.equal(answer.explanation ?? 'DEFAULT', one.explanation);
  });
}
