/** What is left of a message that cannot be mended, written beside the queue for a person to read: `rescued/QID.eml`, `rescued/QID.record`. */
import type { FileSystem } from '../../kit/durable-file.ts';
import { openDurableFile, openFolderSync } from '../../kit/durable-file.ts';

export interface Rescue {
  /** Durable once this resolves; gives the path. What was rescued under that name before is replaced. */
  keep(name: string, octets: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<string>;
}

export function createRescue(folder: string, files: FileSystem): Rescue {
  return {
    async keep(name, octets) {
      await files.mkdir(folder);
      const folders = openFolderSync(files);
      try {
        await files.unlink(`${folder}/${name}.part`).catch(() => undefined);
        const file = await openDurableFile(files, folders, `${folder}/${name}.part`);
        try {
          for await (const piece of octets) await file.write([piece]);
        } catch (error) {
          await file.discard();
          throw error;
        }
        await file.commit(folder, name);
        return `${folder}/${name}`;
      } finally {
        await folders.close();
      }
    },
  };
}
