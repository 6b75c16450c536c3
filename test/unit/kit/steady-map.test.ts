/** The map and the chain for what comes and goes by the thousand a second. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Chain, Link } from '../../../src/kit/chain.ts';
import { SteadyMap } from '../../../src/kit/steady-map.ts';
import { seeded } from '../../props/random-octets.ts';
import { runSeed } from '../../props/run-seed.ts';

const churn = join(import.meta.dirname, '..', '..', 'props', 'map-churn.ts');

class Item extends Link {
  readonly name: string;
  constructor(name: string) {
    super();
    this.name = name;
  }
}

describe('SteadyMap', () => {
  it('holds what a Map holds, in the same order, whatever is done to both', () => {
    const below = seeded(runSeed);
    const steady = new SteadyMap<string, number>();
    const plain = new Map<string, number>();
    for (let turn = 0; turn < 30_000; turn++) {
      // Up to some thousand keys, so that it widens, and often the same ones, so that they meet.
      const key = `key${below(turn < 15_000 ? 3000 : 40)}`;
      if (below(turn < 10_000 ? 4 : 2) === 0) assert.equal(steady.delete(key), plain.delete(key));
      else {
        steady.set(key, turn);
        plain.set(key, turn);
      }
      assert.equal(steady.get(key), plain.get(key));
      assert.equal(steady.has(key), plain.has(key));
      assert.equal(steady.size, plain.size);
      if (turn % 1000 !== 0) continue;
      assert.deepEqual(steady.entries(), [...plain]);
      assert.deepEqual(steady.values(), [...plain.values()]);
    }
  });

  it('keeps nothing alive that has gone: a million that come and go leave no old garbage to sweep', () => {
    const sweeps = (kind: string): number => Number(execFileSync(process.execPath, ['--expose-gc', '--max-semi-space-size=1', churn, kind]).toString());
    assert.ok(sweeps('SteadyMap') <= 1);
    assert.ok(sweeps('Map') > 4, 'a Map does: else this says nothing, and SteadyMap may go');
  });
});

describe('Chain', () => {
  it('keeps the order of coming; what is appended again goes to the end, also out of another chain', () => {
    const [one, two, three] = ['one', 'two', 'three'].map(name => new Item(name)) as [Item, Item, Item];
    const [chain, other] = [new Chain<Item>(), new Chain<Item>()];
    const names = (of: Chain<Item>): string[] => of.all().map(({ name }) => name);
    for (const item of [one, two, three]) chain.append(item);
    assert.deepEqual(names(chain), ['one', 'two', 'three']);
    chain.append(one);
    assert.deepEqual([names(chain), chain.first?.name, chain.size], [['two', 'three', 'one'], 'two', 3]);
    other.append(three);
    assert.deepEqual([names(chain), names(other), chain.has(three), other.has(three)], [['two', 'one'], ['three'], false, true]);
    chain.remove(three);
    assert.deepEqual(names(other), ['three'], 'not ours to remove');
    for (const item of [two, one]) chain.remove(item);
    chain.remove(one);
    assert.deepEqual([chain.size, chain.first], [0, null]);
    chain.append(two);
    assert.deepEqual([names(chain), chain.first?.name], [['two'], 'two']);
  });
});
