/** Dovecot from the distribution: its login server, by IMAP, and its authentication for others' servers. */
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { freePorts } from './ports.ts';
import { eventually, within } from './within.ts';

const program = '/usr/sbin/dovecot';

export interface Dovecot {
  /** Of IMAP, without TLS. */
  readonly port: number;
  /** What Postfix calls smtpd_sasl_path. */
  readonly socket: string;
}

export function dovecotAbsent(): string | false {
  if (spawnSync(program, ['--version']).status !== 0) return 'dovecot (dovecot-imapd) is not installed';
  return process.getuid?.() === 0 ? false : 'Dovecot wants to be started by root';
}

/** One account. */
export async function openDovecot(t: TestContext, login: string, password: string): Promise<Dovecot> {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-dovecot-'));
  chmodSync(folder, 0o755);
  const [port = 0] = await freePorts(1);
  writeFileSync(join(folder, 'users'), `${login}:{PLAIN}${password}::::::\n`);
  writeFileSync(join(folder, 'dovecot.conf'), `
base_dir = ${folder}/run
state_dir = ${folder}/run
log_path = ${folder}/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256
auth_failure_delay = 0
mail_location = maildir:${folder}/mail
passdb {
  driver = passwd-file
  args = ${folder}/users
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=${folder}/home
}
service auth {
  unix_listener ${folder}/auth {
    mode = 0666
  }
}
service imap-login {
  chroot =
  inet_listener imap {
    port = ${port}
  }
  inet_listener imaps {
    port = 0
  }
}
`);
  const child = spawn(program, ['-F', '-c', join(folder, 'dovecot.conf')], { stdio: 'ignore' });
  t.after(async () => {
    const gone = new Promise(resolve => child.once('exit', resolve));
    child.kill('SIGTERM');
    await within(10_000, 'dovecot to stop', gone);
    rmSync(folder, { recursive: true, force: true });
  });
  await eventually(20_000, 'dovecot to listen', () => new Promise<boolean>(resolve => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false)).once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  }));
  return { port, socket: join(folder, 'auth') };
}
