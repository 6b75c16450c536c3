/** The disk blocks that the index owns before it needs them. */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import { openLmdbIndex, type LmdbIndex } from '../../../src/flow/queue/lmdb-index.ts';
import { openGround, type Ground } from '../../../src/flow/queue/upkeep/ground.ts';
import { scratchFolder } from '../../props/scratch-folder.ts';

const MIB = 1024 * 1024;
const MAP_OCTETS = 1024 * MIB;

interface Field {
  readonly index: LmdbIndex;
  readonly ground: Ground;
  size(): number;
}

async function openField(t: TestContext, mayGrow: (octets: number) => boolean = () => true): Promise<Field> {
  const folder = scratchFolder('ground');
  const index = openLmdbIndex(folder, MAP_OCTETS, () => false);
  const path = `${folder}/data.mdb`;
  const ground = await openGround(path, index, MAP_OCTETS, mayGrow);
  t.after(async () => {
    await ground.close();
    await index.close();
  });
  return { index, ground, size: () => statSync(path).size };
}

const content = (n: number, octets: number): Buffer => Buffer.alloc(octets, `content of ${n}, `);

describe('the ground of the index', () => {
  it('grows while others write behind its end, and every octet of theirs is still there', async t => {
    const { index, ground, size } = await openField(t);
    const OCTETS = 60_000;
    const MANY = 2000;
    for (let n = 0; n < MANY;) {
      // One asks, and it grows; the others have not heard of ground.
      const taken = ground.take(OCTETS);
      const writes: Promise<boolean>[] = [];
      for (let k = 0; k < 100; k++, n++) writes.push(index.settled(index.bodies.put(`M${n}`, content(n, OCTETS))));
      await Promise.all(writes);
      assert.equal(await taken, true);
      ground.landed(OCTETS);
    }
    assert.ok(size() > MANY * OCTETS, `${size()} octets`);
    for (let n = 0; n < MANY; n++) assert.ok(content(n, OCTETS).equals(index.bodies.getBinary(`M${n}`)!), `message ${n}`);
  });

  it('is had in larger steps by who stores much, and in small ones where the disk has little left', async t => {
    const ahead = async (field: Field): Promise<number> => {
      let most = 0;
      for (let n = 0; n < 2000; n++) {
        assert.equal(await field.ground.take(20_000), true);
        await field.index.settled(field.index.bodies.put(`M${n}`, content(n, 20_000)));
        field.ground.landed(20_000);
        most = Math.max(most, field.size() - field.index.highOctets());
      }
      return most;
    };
    assert.ok(await ahead(await openField(t)) > 8 * MIB);
    const little = 24 * MIB;
    assert.ok(await ahead(await openField(t, octets => octets < little)) < 6 * MIB);
  });
});
