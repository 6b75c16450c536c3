/** The local transport on a real disk, with accounts as a test wants them. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Account, AuthBackend } from '../../src/core/auth.ts';
import type { Clock } from '../../src/core/clock.ts';
import type { MessageId, RecipientId } from '../../src/core/envelope.ts';
import { silent } from '../../src/core/log.ts';
import type { Outcome } from '../../src/core/outcome.ts';
import type { StoredContent } from '../../src/core/queue-store.ts';
import type { Delivery } from '../../src/core/transport.ts';
import { createLocalTransport, type LocalOptions, type LocalSettings } from '../../src/flow/transport/local/index.ts';
import { parseAddress } from '../../src/grammar/address.ts';
import { createMailboxes } from '../../src/service/mailbox/index.ts';
import { stillClock } from './mailbox-desk.ts';

export const usualSettings: LocalSettings = { dotExtension: 'courier', delivery: './Maildir', dynamic: true, limitMs: 10_000, path: '/usr/local/bin:/usr/bin:/bin', shell: '/bin/sh' };

export function accountsOf(accounts: Readonly<Record<string, Partial<Account>>>): AuthBackend {
  return {
    name: 'rows',
    verify: () => Promise.resolve({ kind: 'rejected' }),
    find: login => Promise.resolve(
      login.startsWith('broken') ? { kind: 'unavailable', why: 'test' }
        : Object.hasOwn(accounts, login) ? { kind: 'accepted', account: { login, options: new Map(), ...accounts[login] } } : { kind: 'rejected' },
    ),
  };
}

export interface LocalDesk {
  readonly folder: string;
  readonly forwarded: string[][];
  /** One message to one recipient. */
  send(to: string, more?: { readonly from?: string; readonly text?: string; readonly signal?: AbortSignal }): Promise<Outcome>;
  deliver(job: Delivery): Promise<ReadonlyMap<RecipientId, Outcome>>;
  /** Writes a file below the folder. */
  write(name: string, text: string, mode?: number): void;
  readonly names: ReturnType<typeof createLocalTransport>['names'];
}

export function localDesk(folder: string, own: Partial<Omit<LocalOptions, 'settings'>> = {}, settings: Partial<LocalSettings> = {}, clock: Clock = stillClock): LocalDesk {
  const forwarded: string[][] = [];
  const transport = createLocalTransport({
    name: 'local', folder: join(folder, 'mailboxes'), mailboxes: createMailboxes({ host: 'gate.example', clock, log: silent }), clock, log: silent,
    accounts: accountsOf({ ann: { home: join(folder, 'ann') } }),
    forward: addresses => {
      forwarded.push([...addresses]);
      return Promise.resolve({ kind: 'queued' });
    },
    settings: () => ({ ...usualSettings, ...settings }),
    ...own,
  });
  const deliver = (job: Delivery, signal = new AbortController().signal) => transport.deliver(job, signal);
  mkdirSync(join(folder, 'ann'), { recursive: true });
  return {
    folder, forwarded, deliver, names: transport.names,
    async send(to, { from = 'bob@there.example', text = 'Subject: x\r\n\r\nHello.\r\n', signal } = {}) {
      const outcome = (await deliver(jobTo([to], contentOf(text), from), signal)).get(0 as RecipientId);
      assert.ok(outcome !== undefined);
      return outcome;
    },
    write(name, text, mode = 0o600) {
      const path = join(folder, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text, { mode });
    },
  };
}

export function contentOf(...pieces: string[]): StoredContent {
  const octets = pieces.map(piece => Buffer.from(piece, 'latin1'));
  return {
    kind: 'content', sizeOctets: Buffer.concat(octets).length, read: () => octets,
    facts: { sizeOctets: 0, has8bit: false, hasNul: false, bareCr: 0, bareLf: 0, longestLine: 0, headerEnd: 0, header8bit: false, digest: new Uint8Array(16) },
  };
}

export function jobTo(addresses: readonly string[], content: StoredContent, from = 's@sender.example'): Delivery {
  const reversePath = from === '' ? null : parseAddress(from);
  assert.ok(from === '' || reversePath !== null, from);
  return {
    id: 'TEST.1' as MessageId, nexthop: 'local', content,
    envelope: { reversePath, body: '7bit', smtputf8: false, origin: { source: 'esmtp', protocol: 'ESMTP', at: 0 } },
    recipients: addresses.map((text, n) => {
      const address = parseAddress(text);
      assert.ok(address !== null, text);
      return { id: n as RecipientId, address };
    }),
  };
}
