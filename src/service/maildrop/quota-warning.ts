/** A warning in a Maildir that is nearly full, at most once a day: maildrop's -w, and deliverquota's. */
import { open, readFile, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import type { MailboxMessage } from '../../core/mailbox.ts';
import { formatDate } from '../../grammar/date.ts';

export interface QuotaWarning {
  /** After a delivery to `maildir`; `put` stores the warning there. */
  look(maildir: string, put: (message: MailboxMessage) => Promise<unknown>): Promise<void>;
}

const AGAIN_MS = 24 * 3600 * 1000;
const LARGEST = 64 * 1024;

export function createQuotaWarning(percent: number, template: string, clock: Clock): QuotaWarning {
  return {
    async look(maildir, put) {
      const used = await usedPercent(maildir);
      if (used === null || used < percent) return;
      const mark = join(maildir, 'quotawarn');
      const before = await stat(mark).catch(() => null);
      if (before !== null && clock.now() - before.mtimeMs < AGAIN_MS) return;
      const text = await readFile(template, 'latin1').catch(() => null);
      if (text === null || text.length > LARGEST) return;
      await (await open(mark, 'a', 0o600)).close();
      const now = new Date(clock.now());
      await utimes(mark, now, now);
      const fields = `Date: ${formatDate(clock.now())}\nMessage-Id: <${clock.now().toString(36)}.${process.pid}-quotawarn@${hostname()}>\n`;
      await put({ fields: Buffer.from(fields), content: () => [Buffer.from(text, 'latin1')], reversePath: '' });
    },
  };
}

/** Of the quota in `maildirsize`, the fuller of octets and messages; null: it has none. */
export async function usedPercent(maildir: string): Promise<number | null> {
  const text = await readFile(join(maildir, 'maildirsize'), 'latin1').catch(() => '');
  const [first = '', ...lines] = text.split('\n');
  const limits = { S: 0, C: 0 };
  for (const [, number, unit] of first.matchAll(/(\d+)([SC])/g)) limits[unit as 'S' | 'C'] = Number(number);
  let octets = 0;
  let messages = 0;
  for (const line of lines) {
    const [size = 0, count = 0] = line.trim().split(/\s+/).map(Number);
    octets += size || 0;
    messages += count || 0;
  }
  const parts = [limits.S > 0 ? octets / limits.S : null, limits.C > 0 ? messages / limits.C : null].filter(one => one !== null);
  return parts.length === 0 ? null : Math.max(...parts) * 100;
}
