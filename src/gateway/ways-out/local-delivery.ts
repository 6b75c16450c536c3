/** Everything that deliveries on this box take: accounts, mailboxes, hands; as the configuration in force has it. */
import { join } from 'node:path';
import type { Configuration } from '../../configuration.ts';
import type { AuthBackend } from '../../core/auth.ts';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { Mailboxes } from '../../core/mailbox.ts';
import { createLocalTransport, openDeputyHands, type LocalOptions } from '../../flow/transport/local/index.ts';
import { createBackends, createSystemUsers, createTokenBackend, createUserdb } from '../../service/auth/index.ts';
import type { Maildrop } from '../../core/maildrop.ts';
import { keptSecret } from '../../kit/file/kept-secret.ts';
import { createMailboxes } from '../../service/mailbox/index.ts';
import { createMaildrop } from '../../service/maildrop/index.ts';

export interface LocalDeliveryOptions extends Pick<LocalOptions, 'instruction' | 'forward'> {
  /** What cannot change while we run: folders and our name. */
  readonly first: Configuration;
  configuration(): Configuration;
  readonly clock: Clock;
  readonly log: Log;
}

export interface LocalDelivery {
  readonly transport: ReturnType<typeof createLocalTransport>;
  /** For the trial domain: every name has a mailbox. */
  readonly everyone: ReturnType<typeof createLocalTransport>;
  readonly accounts: AuthBackend;
  readonly mailboxes: Mailboxes;
  readonly maildrop: Maildrop;
}

/** What recipes hand their forwards to. */
const SENDMAIL = '/usr/sbin/sendmail -oi';

export function createLocalDelivery({ first, configuration, clock, log, ...more }: LocalDeliveryOptions): LocalDelivery {
  let kept: Uint8Array | null = null;
  const secret = () => (kept ??= keptSecret(join(first.stateFolder, 'login.secret')));
  const owners = createBackends([
    createUserdb({ path: first.userdb, log, secret }),
    createSystemUsers({ clock, enabled: () => configuration().local.deputy !== undefined }),
  ]);
  const accounts = createBackends([owners, createTokenBackend({ settings: () => configuration().authTokens, accounts: owners, clock })]);
  const mailboxes = createMailboxes({ host: first.names.me, clock, log });
  const maildrop = createMaildrop({ mailboxes, clock, systemRecipe: join(first.folder, 'maildroprc'), trustedFolder: join(first.folder, 'maildroprcs'), sendmail: SENDMAIL });
  const common = { folder: join(first.stateFolder, 'mailboxes'), mailboxes, maildrop, clock, log, settings: () => configuration().local };
  const { deliveries, perNexthop, recipients } = first.modules.local;
  const transport = createLocalTransport({
    name: 'local', ...common, ...more, accounts,
    aliasFolder: first.local.aliasFolder,
    isLocal: domain => configuration().domains.locals.has(domain) || [...configuration().hosts.values()].some(host => host.domains.locals.has(domain)),
    separators: () => configuration().addresses.separators,
    ownersHands: openDeputyHands({ path: () => configuration().local.deputy, limitMs: () => configuration().local.limitMs, log }),
    limits: { recipients, perNexthop, inAll: deliveries },
  });
  return { transport, everyone: createLocalTransport({ name: 'trial', ...common, everyone: true }), accounts, mailboxes, maildrop };
}

