/** A gateway without rights, and its deputy: users of the system get mail in their homes, with their rights and no others. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { boxFor, type Box, type LogLine } from '../../props/box.ts';
import { openSink } from '../../props/sink.ts';
import { createWatch } from '../../props/within.ts';

/** Nobody's here, and nobody's elsewhere. */
const GATEWAY = 61_001;
const ANN = 61_002;
const EVE = 61_003;

const able = process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0 && spawnSync('setpriv', ['--version']).status === 0;

test('system users get mail with their own rights', { skip: !able && 'needs root, unshare and setpriv', timeout: 120_000 }, async t => {
  const sink = await openSink();
  t.after(() => sink.close());
  const passwd = spawnSync('cat', ['/etc/passwd'], { encoding: 'utf8' }).stdout;
  const places = { passwd: '', home: '' };
  // A passwd of their own, seen by these two processes alone.
  const within = (...more: string[]) => ['unshare', '-m', 'sh', '-c', 'mount --bind "$1" /etc/passwd && shift && exec "$@"', 'sh', places.passwd, ...more];
  const through: string[] = [];
  const box = await boxFor(t, { nextHop: sink.port, through, files: { userdb: '# nobody\n', 'aliases/system': 'root: ann\n' } });
  chmodSync(box.folder, 0o755);
  places.passwd = join(box.folder, 'passwd');
  places.home = join(box.folder, 'home');
  const ann = join(places.home, 'ann');
  writeFileSync(places.passwd, `${passwd}ann:x:${ANN}:${ANN}:Ann:${ann}:/bin/sh\neve:x:${EVE}:${EVE}:Eve:${join(places.home, 'eve')}:/bin/sh\ntoor:x:0:0::${ann}:/bin/sh\n`);
  for (const [name, uid] of [['ann', ANN], ['eve', EVE]] as const) {
    mkdirSync(join(places.home, name), { recursive: true });
    chownSync(join(places.home, name), uid, uid);
    chmodSync(join(places.home, name), 0o700);
  }
  const socket = join(box.folder, 'run/deliver.sock');
  box.configure({ systemusers: `${socket}\n` });
  chownSync(join(box.config, 'userdb'), GATEWAY, GATEWAY);
  mkdirSync(join(box.folder, 'state'), { mode: 0o700 });
  chownSync(join(box.folder, 'state'), GATEWAY, GATEWAY);
  through.push(...within('setpriv', `--reuid=${GATEWAY}`, `--regid=${GATEWAY}`, '--clear-groups', '--no-new-privs'));

  // With no more of root than its unit file leaves it.
  const unit = readFileSync(join(import.meta.dirname, '../../../packaging/posthorn-deputy.service'), 'utf8');
  const capabilities = /^CapabilityBoundingSet=(.*)$/m.exec(unit)?.[1]?.split(' ').map(one => `+${one.replace('CAP_', '').toLowerCase()}`) ?? [];
  assert.equal(capabilities.length, 5);
  const deputy = await startDeputy(t, box, within('setpriv', `--bounding-set=-all,${capabilities.join(',')}`));
  await box.start();
  assert.equal(statSync(socket).mode & 0o777, 0o600);
  assert.equal(statSync(socket).uid, GATEWAY);
  const send = async (to: string, token: string, text = 'Hello.\n') => {
    const from = box.log.length;
    const { code, stderr } = await box.run(['sendmail', '-f', 's@there.example', to], `Subject: x\nX-Token: ${token}\n\n${text}`);
    assert.equal(code, 0, stderr);
    return box.logged(`the outcome of ${token}`, line => line.event === 'delivery' && line['module'] === 'local', { from });
  };

  assert.equal((await send('ann@posthorn.example', 'one'))['status'], 'success');
  const folder = join(ann, 'Maildir/new');
  const [name = ''] = readdirSync(folder);
  assert.match(readFileSync(join(folder, name), 'utf8'), /^Delivered-To: ann@posthorn\.example\n[^]*X-Token: one/);
  assert.deepEqual([statSync(join(folder, name)).uid, statSync(join(folder, name)).mode & 0o777], [ANN, 0o600]);

  writeFileSync(join(ann, '.courier'), `far@there.example\n./Maildir/\n| id -u > who; id -G >> who; cat ${join(box.config, 'userdb')} ${join(places.home, 'eve/secret')} > stolen\n`);
  writeFileSync(join(places.home, 'eve/secret'), 'hers', { mode: 0o600 });
  const failed = await send('ann@posthorn.example', 'two');
  assert.equal(failed['status'], 'deferred', 'cat may read neither');
  assert.equal(readFileSync(join(ann, 'who'), 'utf8'), `${ANN}\n${ANN}\n`);
  assert.equal(readFileSync(join(ann, 'stolen'), 'utf8'), '');
  assert.deepEqual((await sink.arrival('two')).recipients, ['far@there.example'], 'forwards go through the gateway');

  // A recipe runs in the deputy's process, which is the user by then.
  writeFileSync(join(ann, '.courier'), '| maildrop\n');
  writeFileSync(join(ann, '.mailfilter'), 'system "id -u > whose"\nif (/^X-Token: recipe/)\nto "./Filtered/"\n', { mode: 0o600 });
  assert.equal((await send('ann@posthorn.example', 'recipe'))['status'], 'deferred', 'root wrote the recipe, not ann');
  chownSync(join(ann, '.mailfilter'), ANN, ANN);
  assert.equal((await send('ann@posthorn.example', 'recipe'))['status'], 'success');
  assert.equal(readFileSync(join(ann, 'whose'), 'utf8'), `${ANN}\n`);
  const [filtered = ''] = readdirSync(join(ann, 'Filtered/new'));
  assert.equal(statSync(join(ann, 'Filtered/new', filtered)).uid, ANN);

  // A large message goes through a file that has no name.
  writeFileSync(join(ann, '.courier'), '| wc -c > size\n');
  assert.equal((await send('ann@posthorn.example', 'three', `${'x'.repeat(70)}\n`.repeat(10_000)))['status'], 'success');
  assert.ok(Number(readFileSync(join(ann, 'size'), 'utf8')) > 710_000);

  // Eve's own link into Ann's home is followed with Eve's rights, and leads nowhere.
  symlinkSync(join(ann, 'Maildir'), join(places.home, 'eve/Maildir'));
  assert.equal((await send('eve@posthorn.example', 'four'))['status'], 'deferred');

  // Root is somebody else by alias; another name of root is nobody.
  assert.equal((await send('root@posthorn.example', 'five'))['status'], 'success');
  assert.equal((await box.run(['sendmail', '-f', 's@there.example', 'toor@posthorn.example'], 'x\n')).code, 67);
  // A gateway that strangers took over cannot make it otherwise.
  for (const login of ['toor', 'root', 'nobody', 'daemon', '../ann', '-x']) {
    const answer = await ask(socket, { login, recipient: `${login.replaceAll(/\W/g, '')}@posthorn.example`, sender: '', extension: '', octets: 2, ordered: '| touch pwned', home: '/' });
    assert.match(answer, /"kind":"deferred","status":"4\.3\.5"/, login);
  }
  assert.ok(!existsSync(join(ann, 'pwned')));

  // Without the deputy mail waits, and is not lost.
  assert.equal(await deputy.stop(), 0);
  assert.equal((await send('ann@posthorn.example', 'six'))['status'], 'deferred');
  assert.equal(await box.stop(), 0);
});

test('a configuration that others may write to is not obeyed', { skip: !able && 'needs root, unshare and setpriv', timeout: 60_000 }, async t => {
  const box = await boxFor(t);
  box.configure({ systemusers: `${join(box.folder, 'deliver.sock')}\n`, courierd: 'DEFAULTDELIVERY="|id"\n' });
  mkdirSync(join(box.folder, 'state'));
  chownSync(join(box.config, 'courierd'), EVE, EVE);
  const refused = await box.run(['deputy']);
  assert.equal(refused.code, 69);
  assert.match(refused.stdout, /courierd: others than root may write to it/);
});

async function startDeputy(t: TestContext, box: Box, [program = '', ...words]: readonly string[]): Promise<{ stop(): Promise<number | null> }> {
  const entry = join(import.meta.dirname, '../../../src/main.ts');
  const child = spawn(program, [...words, process.execPath, entry, 'deputy', '--config', box.config], { stdio: ['ignore', 'pipe', 'inherit'] });
  const watch = createWatch();
  const log: LogLine[] = [];
  createInterface({ input: child.stdout }).on('line', line => {
    log.push(JSON.parse(line) as LogLine);
    watch.happened();
  });
  const ended = new Promise<number | null>(resolve => child.once('close', resolve));
  t.after(() => child.kill('SIGKILL'));
  await watch.until(20_000, 'the deputy', () => log.some(({ event }) => event === 'ready'));
  return {
    stop() {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

function ask(path: string, request: unknown): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = createConnection(path, () => socket.end(`${JSON.stringify(request)}\nx\n`));
    socket.setEncoding('utf8').on('data', (chunk: string) => void (text += chunk)).once('error', reject).once('close', () => resolve(text));
  });
}
