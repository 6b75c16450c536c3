/** Our SASL client against Dovecot's server: mechanisms as others understand them. By IMAP, for Dovecot has that without a relay. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { createSaslClient } from '../../src/kit/sasl-client.ts';
import { freePorts } from '../props/ports.ts';
import { eventually, within } from '../props/within.ts';

const dovecot = '/usr/sbin/dovecot';
const skip = spawnSync(dovecot, ['--version']).status !== 0 ? 'dovecot (dovecot-imapd) is not installed' : process.getuid?.() === 0 ? false : 'Dovecot wants to be started by root';

async function openDovecot(t: TestContext): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-dovecot-'));
  chmodSync(folder, 0o755);
  const [port = 0] = await freePorts(1);
  writeFileSync(join(folder, 'users'), 'ada:{PLAIN}päss wörd=,1::::::\n');
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
  const child = spawn(dovecot, ['-F', '-c', join(folder, 'dovecot.conf')], { stdio: 'ignore' });
  t.after(async () => {
    const gone = new Promise(resolve => child.once('exit', resolve));
    child.kill('SIGTERM');
    await within(10_000, 'dovecot to stop', gone);
    rmSync(folder, { recursive: true, force: true });
  });
  await eventually(10_000, 'dovecot to listen', () => new Promise<boolean>(resolve => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false)).once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  }));
  return port;
}

/** What the server says in the end. */
async function logIn(port: number, mechanism: string, password: string): Promise<{ readonly said: string; readonly doubt: string | null }> {
  const client = createSaslClient({ login: 'ada', password }, { offered: new Set([mechanism]), maySayPassword: true, host: 'imap.example', port });
  assert.ok(client !== null);
  const socket = connect(port, '127.0.0.1');
  const encode = (text: string) => Buffer.from(text).toString('base64');
  try {
    let begun = false;
    let initial = client.initial;
    for await (const line of createInterface({ input: socket })) {
      if (!begun) {
        begun = true;
        socket.write(`a AUTHENTICATE ${mechanism}\r\n`);
      } else if (line.startsWith('+')) {
        if (initial !== undefined) {
          socket.write(`${encode(initial)}\r\n`);
          initial = undefined;
          continue;
        }
        const answer = await client.answer(Buffer.from(line.slice(2), 'base64').toString());
        if (answer.kind === 'distrust') return { said: answer.why, doubt: answer.why };
        socket.write(`${encode(answer.text)}\r\n`);
      } else if (line.startsWith('a ')) return { said: line, doubt: client.doubt() };
    }
    return { said: 'the end', doubt: null };
  } finally {
    socket.destroy();
  }
}

test('each mechanism with a password that is not plain ASCII, right and wrong', { skip, timeout: 60_000 }, async t => {
  const port = await openDovecot(t);
  for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-1', 'CRAM-MD5', 'PLAIN', 'LOGIN']) {
    const right = await within(10_000, mechanism, logIn(port, mechanism, 'päss wörd=,1'));
    assert.match(right.said, /^a OK/, mechanism);
    assert.equal(right.doubt, null, mechanism);
    const wrong = await within(10_000, mechanism, logIn(port, mechanism, 'pass word'));
    assert.match(wrong.said, /^a NO/, mechanism);
    assert.equal(wrong.doubt !== null, mechanism.startsWith('SCRAM'), mechanism);
  }
});
