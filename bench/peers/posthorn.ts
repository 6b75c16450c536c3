/**
 * Posthorn, the build that `make build` makes. Courier's limits on connections from one address (5) are lifted, as one
 * source sends everything. accept: submitdelay, Courier's own way of saying "later".
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createBox } from '../../test/props/box.ts';
import { MAIL_DOMAIN, type Peer, type Place } from './peer.ts';

/** What everybody starts it by sets it; `entry` may be another build, without one. */
const launcher = readFileSync(join(import.meta.dirname, '..', '..', 'packaging', 'launcher.sh'), 'utf8');
const launchedWith = `MALLOC_ARENA_MAX=${/MALLOC_ARENA_MAX:-(\d+)/.exec(launcher)?.[1] ?? ''}`;
const program = join(import.meta.dirname, '..', '..', 'build', 'src', 'main.js');

export const posthorn: Peer = posthornWith({});
/** Two processes receive on the port, one of them delivers as well. */
export const twoReceivers: Peer = posthornWith({ receiveprocesses: '2\n' });

/** `entry`: another build. */
export function posthornWith(files: Readonly<Record<string, string>>, entry = program, nodeFlags: readonly string[] = []): Peer {
  return {
    name: 'posthorn',
    absent: () => (existsSync(entry) ? null : `${entry} is not there; \`make build\` first`),
    async start(place) {
      const box = await createBox({
        folder: place.folder,
        nextHop: place.nextHop,
        entry,
        logFile: join(place.folder, 'log'),
        files: { ...files, sizelimit: '41943040\n', ...(place.mode === 'accept' ? { submitdelay: '1d\n' } : {}), ...mailboxFiles(place) },
        // A session of its own, as Postfix's master makes itself one: the kernel shares the cores out by session, and in
        // the load's own it would have half of what a daemon has. All peers are started so.
        through: ['setsid', 'env', launchedWith],
        nodeFlags: [...nodeFlags, ...(place.profile === undefined ? [] : ['--cpu-prof', '--cpu-prof-interval=500', `--cpu-prof-dir=${place.profile}`])],
      });
      if (place.connections !== undefined) box.configure({ esmtpd: readFileSync(join(box.config, 'esmtpd'), 'utf8').replaceAll(/^(MAX\w+)=.*/gm, `$1=${place.connections}`) });
      await box.start();
      return {
        port: box.port,
        pids: [box.pid],
        dataFolder: join(place.folder, 'state'),
        async stop() {
          try {
            await box.stop(60_000);
          } finally {
            await box.close();
          }
        },
      };
    },
  };
}

/** Virtual mailboxes: an account each, whose mail lies where the measurement looks for it. */
function mailboxFiles({ folder, users }: Place): Readonly<Record<string, string>> {
  if (users === undefined) return {};
  return {
    hosteddomains: `${MAIL_DOMAIN}\n`,
    esmtpacceptmailfor: `${MAIL_DOMAIN}\n`,
    userdb: users.map(user => `${user}@${MAIL_DOMAIN}\tmail=${join(folder, 'mail', user)}\n`).join(''),
  };
}
