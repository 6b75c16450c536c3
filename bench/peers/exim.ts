/**
 * Exim from the distribution (packaging/bench-peers.sh unpacks it: its package conflicts with Postfix's), without its split
 * configuration. accept: queue_only, and no queue runner. With its own backlog of 20, some of fifty clients that come at
 * once wait seconds for the kernel's next attempt. Its 200 ms before each greeting are its own.
 */
import { spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../../test/props/ports.ts';
import { runChild } from './child.ts';
import type { Peer, Place } from './peer.ts';

const program = join(import.meta.dirname, '..', '..', '.peers', 'exim', 'usr', 'sbin', 'exim4');

export const exim: Peer = {
  name: 'exim',
  absent() {
    if (!existsSync(program)) return 'not unpacked; packaging/bench-peers.sh does it';
    return process.getuid?.() === 0 ? null : 'Exim starts as root only';
  },
  async start(place) {
    const [port = 0] = await freePorts(1);
    const spool = join(place.folder, 'spool');
    const file = join(place.folder, 'exim.conf');
    mkdirSync(spool, { recursive: true });
    chmodSync(place.folder, 0o755);
    chownSync(spool, idOf('Debian-exim'), 0);
    writeFileSync(file, configuration(place, spool, port), { mode: 0o644 });
    const child = spawn('unshare', ['--mount', 'sh', '-euc', trusting, program, file, '-bdf', '-q30m'], { stdio: ['ignore', 'ignore', 'inherit'], detached: true });
    return runChild(child, { port, dataFolder: spool, limitMs: 10_000, end: () => child.kill('SIGTERM') });
  },
};

/** A delivery whose configuration is not in this list gives up its privileges and starts anew. The list has its one place, so it gets a name space. */
const trusting = `mount --make-rprivate /
mount -t tmpfs none /mnt
mkdir /mnt/upper /mnt/work
mount -t overlay overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work /etc
mkdir -p /etc/exim4
echo "$1" > /etc/exim4/trusted_configs
exec "$0" -C "$@"`;

function idOf(user: string): number {
  return Number(readFileSync('/etc/passwd', 'utf8').split('\n').find((one) => one.startsWith(`${user}:`))?.split(':')[2] ?? 0);
}

function configuration(place: Place, spool: string, port: number): string {
  return `primary_hostname = exim.example
exim_path = ${program}
keep_environment =
spool_directory = ${spool}
log_file_path = ${spool}/%slog
local_interfaces = 127.0.0.1
daemon_smtp_ports = ${port}
smtp_accept_max = 200
smtp_connect_backlog = 100
smtp_accept_max_per_connection = 0
smtp_accept_queue_per_connection = 0
message_size_limit = 40M
tls_advertise_hosts =
acl_smtp_rcpt = yes
acl_smtp_data = yes
${place.mode === 'accept' ? 'queue_only = true\n' : ''}begin acl
yes:
  accept
begin routers
onward:
  driver = manualroute
  route_list = * 127.0.0.1
  self = send
  transport = onward
begin transports
onward:
  driver = smtp
  port = ${place.nextHop}
  hosts_try_fastopen =
  allow_localhost
begin retry
* * F,2h,15m
`;
}
