/**
 * ARCHIVEDIR: a finished message is not deleted before a copy of it lies in `ARCHIVEDIR/YYYY.MM.DD/`: what was sent as
 * QID.eml, who got it and what they answered as QID.json. An archive that cannot be written is an error in the log; mail
 * that was delivered is finished all the same, or it would be delivered again for ever.
 */
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Claim, News, QueueStore } from '../core/queue-store.ts';
import { keepFile, type FileSystem } from '../kit/file/durable-file.ts';

export interface ArchiveOptions {
  /** Null: nothing is kept. Asked for each message. */
  folder(): string | null;
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly log: Log;
}

export function withArchive<T extends QueueStore>(store: T, options: ArchiveOptions): T {
  return {
    ...store,
    release(claim: Claim, next: Parameters<QueueStore['release']>[1], news?: News) {
      const folder = next === 'finished' ? options.folder() : null;
      if (folder === null) return store.release(claim, next, news);
      return keep(store, options, folder, claim, news)
        .catch((cause: unknown) => options.log.error('archive', { what: 'a message could not be archived', id: claim.id, cause }))
        .then(() => store.release(claim, next, news));
    },
  };
}

async function keep(store: QueueStore, { files, clock }: ArchiveOptions, root: string, claim: Claim, news: News | undefined): Promise<void> {
  const content = claim.content ?? (await store.content(claim));
  if (content.kind === 'corrupt') throw new Error(content.why);
  const day = new Date(clock.now());
  const two = (n: number) => String(n).padStart(2, '0');
  const folder = `${root}/${day.getFullYear()}.${two(day.getMonth() + 1)}.${two(day.getDate())}`;
  // A second attempt at the same message replaces what the first left.
  await keepFile(files, folder, `${claim.id}.eml`, content.read());
  await keepFile(files, folder, `${claim.id}.json`, [Buffer.from(`${JSON.stringify(accountOf(claim, news, clock.now()))}\n`)]);
}

function accountOf({ message }: Claim, news: News | undefined, at: number): object {
  const { envelope, recipients } = message;
  return {
    id: message.id, acceptedAt: message.acceptedAt, finishedAt: at, envelope,
    recipients: recipients.map((recipient) => {
      const last = news?.outcomes?.get(recipient.id);
      return recipient.outcome !== undefined && recipient.outcome.kind !== 'deferred' ? recipient : { ...recipient, ...(last === undefined ? {} : { outcome: last, outcomeAt: at }) };
    }),
  };
}
