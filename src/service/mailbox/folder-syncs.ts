/** Syncs folders. Who comes while a sync of the same folder runs shares the next one; nothing stays open between. */
import type { Files } from './files.ts';

/** Resolves after a sync that began after the call: names made before are then durable. */
export type SyncFolder = (folder: string) => Promise<void>;

interface Turn {
  readonly running: Promise<void>;
  next: Promise<void> | null;
}

export function createFolderSyncs(files: Pick<Files, 'openFolder' | 'sync' | 'close'>): SyncFolder {
  const turns = new Map<string, Turn>();

  function start(folder: string): Promise<void> {
    const turn: Turn = { running: syncOnce(files, folder).finally(() => {
      if (turns.get(folder) === turn && turn.next === null) turns.delete(folder);
    }), next: null };
    turns.set(folder, turn);
    return turn.running;
  }
  return folder => {
    const turn = turns.get(folder);
    if (turn === undefined) return start(folder);
    // That one's failure is another's; ours is still to come.
    turn.next ??= turn.running.catch(() => undefined).then(() => start(folder));
    return turn.next;
  };
}

async function syncOnce(files: Pick<Files, 'openFolder' | 'sync' | 'close'>, folder: string): Promise<void> {
  const opened = files.openFolder(folder);
  try {
    await files.sync(opened);
  } finally {
    files.close(opened);
  }
}
