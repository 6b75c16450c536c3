import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Address } from '../../../src/core/envelope.ts';
import { silent } from '../../../src/core/log.ts';
import { createAliases, createCanonical, instructionAddress, namesInstruction } from '../../../src/flow/rewrite/index.ts';
import { parseAddress } from '../../../src/grammar/address.ts';
import { createDomainList } from '../../../src/grammar/config/domain-list.ts';
import { createHostedDomains } from '../../../src/grammar/config/hosted-domains.ts';

function address(text: string): Address {
  const parsed = parseAddress(text);
  assert.ok(parsed !== null, text);
  return parsed;
}

const rules = {
  locals: createDomainList([{ line: 1, domain: 'here.example', match: 'exact', excluded: false }, { line: 2, domain: 'too.example', match: 'exact', excluded: false }]),
  hosted: createHostedDomains([{ line: 1, domain: 'hosted.example' }, { line: 2, domain: 'old.example', aliasOf: 'hosted.example' }]),
  defaultDomain: 'here.example',
};

test('canonical addresses: domains replaced, local-parts folded only where they are ours', () => {
  const keep = createCanonical({ ...rules, lowerCase: false });
  const fold = createCanonical({ ...rules, lowerCase: true });
  const rows: readonly (readonly [string, string, string, string])[] = [
    ['Ann', 'Ann@here.example', 'Ann@here.example', 'ann@here.example'],
    ['Ann@too.example', 'Ann@too.example', 'Ann@here.example', 'ann@here.example'],
    ['Ann@old.example', 'Ann@hosted.example', 'Ann@hosted.example', 'ann@hosted.example'],
    ['Ann@out.example', 'Ann@out.example', 'Ann@out.example', 'Ann@out.example'],
    ['POSTmaster@too.example', 'postmaster@too.example', 'postmaster@here.example', 'postmaster@here.example'],
    ['POSTmaster@out.example', 'POSTmaster@out.example', 'POSTmaster@out.example', 'POSTmaster@out.example'],
  ];
  for (const [written, settled, key, folded] of rows) {
    assert.equal(keep.settled(address(written)), settled, written);
    assert.equal(keep.key(address(written)), key, written);
    assert.equal(fold.key(address(written)), folded, written);
  }
});

function setUp(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-aliases-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const canonical = createCanonical({ ...rules, lowerCase: false });
  const aliases = createAliases({ paths: [join(folder, 'aliases')], canonical: canonical.key, log: silent });
  const ask = (name: string) => {
    const table = aliases.current();
    if (table === null) return 'unknown';
    return table.find(address(`${name}@here.example`))?.targets.map(one => (one.kind === 'address' ? one.address : one.text)).join(' ') ?? null;
  };
  return { folder, aliases, ask, write: (name: string, text: string) => writeFileSync(join(folder, name), text) };
}

test('a change is in force with the next question: a new file, a new text, a new include, none left', (t) => {
  const { folder, ask, write } = setUp(t);
  assert.equal(ask('a'), null);
  write('aliases', 'a: b\n');
  assert.equal(ask('a'), 'b@here.example');
  write('aliases', `a: c, :include:${folder}/list\n`);
  write('list', 'd\n');
  assert.equal(ask('a'), 'c@here.example d@here.example');
  write('list', 'e\n');
  assert.equal(ask('a'), 'c@here.example e@here.example');
  rmSync(join(folder, 'aliases'));
  assert.equal(ask('a'), null);
});

test('a folder: its files together, editors’ leftovers not, and a file that is added', (t) => {
  const { folder, ask, write } = setUp(t);
  mkdirSync(join(folder, 'aliases'));
  write('aliases/system', 'root: postmaster\n');
  write('aliases/system~', 'root: editor\n');
  write('aliases/.hidden', 'root: hidden\n');
  assert.equal(ask('root'), 'postmaster@here.example');
  write('aliases/more', 'a: b\n');
  assert.equal(ask('a'), 'b@here.example');
});

test('as long as anything is wrong the old table answers; without an old one nobody can say', (t) => {
  const { folder, aliases, ask, write } = setUp(t);
  write('aliases', 'a: b\n');
  assert.equal(ask('a'), 'b@here.example');
  write('aliases', 'a: c\nthis is no alias\n');
  assert.equal(ask('a'), 'b@here.example');
  assert.match(aliases.problems()[0] ?? '', /aliases:2:/);
  write('aliases', `a: :include:${folder}/absent\n`);
  assert.equal(ask('a'), 'b@here.example');
  write('next', 'a: d\n');
  renameSync(join(folder, 'next'), join(folder, 'aliases'));
  assert.equal(ask('a'), 'd@here.example');
  assert.deepEqual(aliases.problems(), []);
});

test('a file that everyone may write to decides nothing: it could run commands', (t) => {
  const { folder, ask, write } = setUp(t);
  write('aliases', 'a: |rm -rf /\n');
  chmodSync(join(folder, 'aliases'), 0o666);
  assert.equal(ask('a'), 'unknown');
  chmodSync(join(folder, 'aliases'), 0o644);
  assert.equal(ask('a'), '|rm -rf /');
});

test('includes that include each other end', (t) => {
  const { folder, aliases, ask, write } = setUp(t);
  write('list', `:include:${folder}/list\n`);
  write('aliases', `a: :include:${folder}/list\n`);
  assert.equal(ask('a'), 'unknown');
  assert.match(aliases.problems()[0] ?? '', /includes within includes/);
});

test('the address that stands for a command depends on the command, and shows nothing of it', () => {
  const one = instructionAddress(address('a@here.example'), '|secret-command');
  assert.match(one, /^\.xalias\/[0-9a-f]{32}\/a=here:example$/);
  assert.notEqual(one, instructionAddress(address('a@here.example'), '|other'));
  assert.ok(parseAddress(`"${one}"@here.example`) !== null);
  assert.ok(namesInstruction(one, '|secret-command') && !namesInstruction(one, '|other'), 'one alias’s mail never runs another’s command');
});
