/**
 * Postfix from the distribution. accept: no queue manager runs, and the brake that waits for it is off
 * (in_flow_delay=0): the kindest way for Postfix, whose deferring would cost it more.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../../test/props/ports.ts';
import { MAIL_DOMAIN, type Peer, type Place, type Running } from './peer.ts';

export const postfix: Peer = {
  name: 'postfix',
  absent() {
    if (process.getuid?.() !== 0) return 'Postfix starts as root only';
    return uidOf('postfix') === null ? 'no user postfix; is the package installed?' : null;
  },
  async start(place) {
    const [port = 0] = await freePorts(1);
    const config = join(place.folder, 'config');
    const spool = join(place.folder, 'spool');
    const state = join(place.folder, 'data');
    for (const folder of [config, spool, state]) mkdirSync(folder, { recursive: true });
    chownSync(state, uidOf('postfix') ?? 0, 0);
    chmodSync(place.folder, 0o755);
    writeFileSync(join(config, 'main.cf'), mainConfiguration(place, spool, state) + mailboxConfiguration(place, config) + (place.more ?? ''));
    writeFileSync(join(config, 'master.cf'), services(port, place.mode));
    execFileSync('postfix', ['-c', config, 'start'], { stdio: 'pipe' });
    const pid = Number(readFileSync(join(spool, 'pid', 'master.pid'), 'utf8').trim());
    const running: Running = {
      port,
      pids: [pid],
      dataFolder: spool,
      stop: () => stop(config, pid),
    };
    return running;
  },
};

async function stop(config: string, pid: number): Promise<void> {
  execFileSync('postfix', ['-c', config, 'stop'], { stdio: 'pipe' });
  for (let turn = 0; turn < 500 && isAlive(pid); turn += 1) await new Promise((next) => setTimeout(next, 20));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function uidOf(user: string): number | null {
  const line = readFileSync('/etc/passwd', 'utf8').split('\n').find((one) => one.startsWith(`${user}:`));
  return line === undefined ? null : Number(line.split(':')[2]);
}

function mainConfiguration(place: Place, spool: string, state: string): string {
  return `compatibility_level = 3.6
queue_directory = ${spool}
data_directory = ${state}
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = postfix.example
mydestination =
alias_maps =
local_recipient_maps =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
relayhost = [127.0.0.1]:${place.nextHop}
message_size_limit = 41943040
${place.mode === 'accept' ? 'in_flow_delay = 0\n' : ''}`;
}

/** virtual(8), as its manual sets it up: one user owns all mailboxes. */
function mailboxConfiguration({ folder, users }: Place, config: string): string {
  if (users === undefined) return '';
  const base = join(folder, 'mail');
  const owner = uidOf('postfix') ?? 0;
  mkdirSync(base);
  chownSync(base, owner, 0);
  writeFileSync(join(config, 'mailboxes'), users.map(user => `${user}@${MAIL_DOMAIN} ${user}/\n`).join(''));
  return `virtual_mailbox_domains = ${MAIL_DOMAIN}
virtual_mailbox_base = ${base}
virtual_mailbox_maps = texthash:${config}/mailboxes
virtual_uid_maps = static:${owner}
virtual_gid_maps = static:${owner}
virtual_minimum_uid = 1
`;
}

function services(port: number, mode: Place['mode']): string {
  return `127.0.0.1:${port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
${mode !== 'accept' ? 'qmgr unix n - n 300 1 qmgr\n' : ''}tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
`;
}
