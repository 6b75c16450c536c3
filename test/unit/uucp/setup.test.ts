/** What `posthorn uucp setup` prints and writes. */
import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setupFiles, type SetupWish, type Via } from '../../../src/front/cli/uucp/setup.ts';
import { createBox } from '../../props/box.ts';
import { scratchFolder } from '../../props/scratch-folder.ts';

const wish: SetupWish = {
  me: 'sitea', neighbor: 'siteb', via: 'tcp', login: 'ua', password: 'geheim', address: 'siteb.example', port: 540, command: '', proxy: 'default', ssh: '/usr/bin/ssh', ca: '', answer: false, folder: '/etc/uucp',
  posthorn: ['/usr/bin/node', '/opt/post horn/main.js', '--config', '/etc/posthorn'],
};
const text = (more: Partial<SetupWish>, path: string): string => setupFiles({ ...wish, ...more }).find(one => one.path === path)?.text ?? '';

test('a port for each way, the protocol that fits it, and a chat where there is a login', () => {
  const rows: readonly (readonly [Via, RegExp, RegExp])[] = [
    ['tcp', /type tcp\nservice 540/, /chat "" \\r ogin:-\\r-ogin: \\L word: \\P\n[^]*protocol t\n[^]*address siteb\.example/],
    ['tls', /type pipe\ncommand .* uucp connect --tls siteb\.example 540\nreliable true/, /protocol i/],
    ['socks', /uucp connect --proxy default siteb\.example 540/, /protocol i/],
    ['ssh', /command \/usr\/bin\/ssh -x -q -o BatchMode=yes -l ua siteb\.example/, /chat ""\n/],
    ['serial', /type direct\ndevice siteb\.example\nbaud 115200/, /protocol i/],
    ['pipe', /command \/usr\/sbin\/uucico -l/, /protocol i/],
  ];
  for (const [via, port, sys] of rows) {
    assert.match(text({ via, command: '/usr/sbin/uucico -l' }, 'port'), port, via);
    assert.match(text({ via, command: '/usr/sbin/uucico -l' }, 'sys'), sys, via);
  }
  assert.equal(text({}, 'call'), 'siteb ua geheim\n');
  assert.deepEqual([text({ answer: true }, 'passwd'), text({ answer: true }, 'call'), text({ answer: true }, 'port')], ['ua geheim\n', '', '']);
  assert.match(text({ answer: true }, 'sys'), /time never\ncalled-login ua/);
  assert.match(text({}, 'bin/rmail'), /^#!\/bin\/sh\n#.*\nexec \/usr\/bin\/node '\/opt\/post horn\/main\.js' --config \/etc\/posthorn rmail "\$@"\n$/);
});

test('written once, added to, never changed; what Taylor would misread is refused', async () => {
  const box = await createBox({ folder: scratchFolder('setup'), files: { uucpme: 'here\n' } });
  const folder = join(box.folder, 'uucp');
  const setup = (...args: readonly string[]) => box.run(['uucp', 'setup', ...args, '--write', folder]);
  assert.equal((await setup('siteb', '--address', 'siteb.example', '--password', 'one')).code, 0);
  writeFileSync(join(folder, 'sys'), `${readFileSync(join(folder, 'sys'), 'utf8')}# mine\n`);
  const second = await setup('sitec', '--answer', '--login', 'uc', '--password', 'two');
  assert.match(second.stdout, /kept .*config\nadded to .*sys\nwrote .*passwd/);
  assert.match((await setup('siteb', '--address', 'other.example', '--password', 'three')).stdout, /kept .*sys/);
  const sys = readFileSync(join(folder, 'sys'), 'utf8');
  assert.equal(sys.match(/^system /gm)?.length, 2);
  assert.ok(sys.includes('# mine\n') && !sys.includes('other.example'));
  assert.equal(statSync(join(folder, 'call')).mode & 0o777, 0o600);
  assert.equal(statSync(join(folder, 'bin', 'rsmtp')).mode & 0o777, 0o755);
  for (const bad of [[], ['-x', '--address', 'a'], ['siteb'], ['siteb', '--via', 'pigeon', '--address', 'a'], ['siteb', '--address', 'a b'], ['siteb', '--address', 'a', '--password', 'x#y'], ['siteb', '--via', 'pipe'], ['siteb', '--address', 'a', '--run-as', '-u']]) {
    assert.equal((await box.run(['uucp', 'setup', ...bad])).code, 64, bad.join(' '));
  }
  const printed = await box.run(['uucp', 'setup', 'siteb', '--address', 'siteb.example:5400', '--run-as', 'posthorn']);
  assert.match(printed.stdout, /service 5400/);
  assert.match(printed.stdout, /exec \/usr\/bin\/sudo -n -u posthorn --preserve-env=UU_MACHINE,UU_USER -- /);
  await box.close();
});
