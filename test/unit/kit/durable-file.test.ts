import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { openDurableFile, openFolderSync } from '../../../src/kit/file/durable-file.ts';
import { createFailingDisk } from '../../props/failing-disk.ts';
import { scratchFolder } from '../../props/scratch-folder.ts';

const syncs = (disk: { readonly steps: readonly string[] }): number => disk.steps.filter((step) => step.startsWith('sync ')).length;

describe('folder sync', () => {
  it('who comes while one runs shares the next, which begins after they came', async () => {
    const disk = createFailingDisk();
    const folders = openFolderSync(disk);
    const folder = scratchFolder('sync');
    await Promise.all(Array.from({ length: 20 }, () => folders.sync(folder)));
    assert.equal(syncs(disk), 2);
    await folders.sync(folder);
    assert.equal(syncs(disk), 3);
    await folders.close();
  });

  it('a sync that fails is told to those who shared it, and to nobody after', async () => {
    const disk = createFailingDisk();
    const folders = openFolderSync(disk);
    const folder = scratchFolder('sync');
    let left = 1;
    disk.fail = (step) => (step === 'sync' && left-- > 0 ? 'EIO' : null);
    const [one, two, three] = await Promise.allSettled([1, 2, 3].map(() => folders.sync(folder)));
    assert.deepEqual([one?.status, two?.status, three?.status], ['rejected', 'fulfilled', 'fulfilled']);
    await folders.close();
  });

  it('a folder that could not be opened is tried again', async () => {
    const folders = openFolderSync(createFailingDisk());
    const folder = `${scratchFolder('sync')}/later`;
    await assert.rejects(folders.sync(folder), /ENOENT/);
    mkdirSync(folder);
    await folders.sync(folder);
    await folders.close();
  });
});

describe('durable file', () => {
  it('is under its final name with all its octets', async () => {
    const disk = createFailingDisk();
    const folders = openFolderSync(disk);
    const folder = scratchFolder('file');
    const file = await openDurableFile(disk, folders, `${folder}/draft`);
    await file.write([Buffer.from('one '), Buffer.from('two ')]);
    await file.write([Buffer.from('three')]);
    await file.commit(folder, 'final');
    assert.equal(readFileSync(`${folder}/final`, 'utf8'), 'one two three');
    assert.deepEqual(readdirSync(folder), ['final']);
    await folders.close();
  });

  it('a large one is synced while it grows; a small one once', async () => {
    const disk = createFailingDisk();
    const folders = openFolderSync(disk);
    const folder = scratchFolder('file');
    const file = await openDurableFile(disk, folders, `${folder}/draft`);
    const piece = Buffer.alloc(1024 * 1024, 'x');
    for (let n = 0; n < 4; n++) await file.write([piece]);
    assert.equal(syncs(disk), 1, 'before anybody asked for the end');
    await file.commit(folder, 'final');
    assert.equal(syncs(disk), 3, 'ahead, at the end, and the folder');
    assert.equal(readFileSync(`${folder}/final`).length, 4 * piece.length);
    await folders.close();
  });

  it('what the sync ahead lost is not forgotten at the end, when the disk says that all is well', async () => {
    const disk = createFailingDisk();
    const folders = openFolderSync(disk);
    const folder = scratchFolder('file');
    const file = await openDurableFile(disk, folders, `${folder}/draft`);
    let left = 1;
    disk.fail = (step) => (step === 'sync' && left-- > 0 ? 'EIO' : null);
    await file.write([Buffer.alloc(5 * 1024 * 1024)]);
    await assert.rejects(file.commit(folder, 'final'), /EIO/);
    assert.deepEqual(readdirSync(folder), []);
    await folders.close();
  });

  for (const step of ['sync', 'close', 'rename'] as const) {
    it(`leaves neither name behind when ${step} fails`, async () => {
      const disk = createFailingDisk();
      const folders = openFolderSync(disk);
      const folder = scratchFolder('file');
      const file = await openDurableFile(disk, folders, `${folder}/draft`);
      await file.write([Buffer.from('text')]);
      disk.fail = (at) => (at === step ? 'EIO' : null);
      await assert.rejects(file.commit(folder, 'final'), { code: 'EIO' });
      assert.deepEqual(readdirSync(folder), []);
      await folders.close();
    });
  }

  it('does not write over a file that is there', async () => {
    const disk = createFailingDisk();
    const folders = openFolderSync(disk);
    const folder = scratchFolder('file');
    writeFileSync(`${folder}/draft`, 'mine');
    await assert.rejects(openDurableFile(disk, folders, `${folder}/draft`), { code: 'EEXIST' });
    assert.equal(readFileSync(`${folder}/draft`, 'utf8'), 'mine');
    await folders.close();
  });

  it('a discarded file is gone, twice over', async () => {
    const disk = createFailingDisk();
    const folders = openFolderSync(disk);
    const path = `${scratchFolder('file')}/draft`;
    const file = await openDurableFile(disk, folders, path);
    await file.discard();
    await file.discard();
    assert.equal(existsSync(path), false);
    await folders.close();
  });
});
