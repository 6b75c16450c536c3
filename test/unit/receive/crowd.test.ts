import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { blockOf, createCrowd, type Place } from '../../../src/flow/receive/crowd.ts';
import { defaultLimits } from '../../../src/flow/receive/limits.ts';
import fc from '../../props/fast-check.ts';

const limits = { ...defaultLimits, connections: 4, perAddress: 2, perBlock: 3 };

function kindOf(place: Place): string {
  return place.kind === 'full' ? place.which : 'place';
}

describe('crowd', () => {
  it('limits an address, its block, and all', () => {
    const crowd = createCrowd();
    const enter = (address: string) => kindOf(crowd.enter(address, limits, null));
    assert.deepEqual(['192.0.2.1', '192.0.2.1', '192.0.2.1', '192.0.2.2', '192.0.2.3', '198.51.100.1', '203.0.113.1'].map(enter),
      ['place', 'place', 'perAddress', 'place', 'perBlock', 'place', 'connections']);
  });

  it('lets one address have more where its access entry says so', () => {
    const crowd = createCrowd();
    const enter = () => kindOf(crowd.enter('192.0.2.1', limits, 4));
    assert.deepEqual([enter(), enter(), enter(), enter()], ['place', 'place', 'place', 'place']);
  });

  it('counts a place free once, however often its owner leaves', () => {
    const crowd = createCrowd();
    const place = crowd.enter('192.0.2.1', limits, null);
    crowd.enter('192.0.2.1', limits, null);
    assert.equal(place.kind, 'place');
    if (place.kind === 'place') {
      place.leave();
      place.leave();
    }
    assert.equal(crowd.size, 1);
    assert.equal(kindOf(crowd.enter('192.0.2.1', limits, null)), 'place');
    assert.equal(kindOf(crowd.enter('192.0.2.1', limits, null)), 'perAddress');
  });

  it('is empty again when all have left, in whatever order', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.constantFrom('192.0.2.1', '192.0.2.2', '2001:db8::1', '2001:db8::2'), fc.boolean())), visits => {
      const crowd = createCrowd();
      const inside: (() => void)[] = [];
      for (const [address, leaves] of visits) {
        const place = crowd.enter(address, limits, null);
        if (place.kind === 'place') inside.push(place.leave);
        if (leaves) inside.shift()?.();
        assert.equal(crowd.size, inside.length);
        assert.ok(crowd.size <= limits.connections);
      }
      for (const leave of inside) leave();
      assert.equal(crowd.size, 0);
    }));
  });

  for (const [address, block] of [
    ['192.0.2.77', '192.0.2.'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::6', '2001:db8:1:2'],
    ['2001:db8::6', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
  ] as const) it(`${address} is of ${block}`, () => assert.equal(blockOf(address), block));
});
