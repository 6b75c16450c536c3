import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Address } from '../../../src/core/envelope.ts';
import { createAliasTable, type AliasTable } from '../../../src/grammar/alias/alias-table.ts';
import { domainOf, parseAddress } from '../../../src/grammar/address.ts';
import { parseAliases, parseMemberList } from '../../../src/grammar/alias/aliases.ts';
import { importSendmailAliases, importVirtualDomains } from '../../../src/grammar/alias/foreign-addresses.ts';
import fc from '../../props/fast-check.ts';

const rows: readonly (readonly [string, string])[] = [
  ['a: b', 'a=b'],
  ['a: b, c@d.example', 'a=b,c@d.example'],
  ['a: b,\n\tc\n  d', 'a=b,c,d'],
  ['# c\n\na: b # is part', 'wrong'],
  ['a@x.example: b', 'a@x.example=b'],
  ['@x.example: b', '@x.example=b'],
  ['@x.example: a!b!', '@x.example=a!b!'],
  ['a: :include:/etc/list', 'a=include /etc/list'],
  ['a: ":include:/etc/a list"', 'a=include /etc/a list'],
  ['a: :include:list', 'wrong'],
  ['a: /var/mail/a', 'a=!/var/mail/a'],
  ['a: |prog one, two', 'a=!|prog one, two'],
  ['a: "|prog one, two", b', 'a=!|prog one, two,b'],
  ['a: "|prog \\"x\\""', 'a=!|prog "x"'],
  ['a: |', 'wrong'],
  ['a: b, |prog x', 'a=b,!|prog x'],
  ['a: Ann <ann@x.example>, Bob <bob@x.example>', 'a=ann@x.example,bob@x.example'],
  ['a: \\a, b', 'a=a,b'],
  ['"a b": c', '"a b"=c'],
  ['"a:b"@x.example: c', '"a:b"@x.example=c'],
  ['a@[IPv6:::1]: c', 'a@[IPv6:::1]=c'],
  ['a: "x, y"@z.example', 'a="x, y"@z.example'],
  ['a:', 'wrong'],
  [' a: b', 'wrong'],
  ['a b', 'wrong'],
  [': b', 'wrong'],
  ['a: b\u0007', 'wrong'],
];

test('the language of aliases, right and wrong', () => {
  for (const [text, wanted] of rows) {
    const parsed = parseAliases(text);
    const shown = parsed.kind === 'wrong' ? 'wrong' : parsed.value.map(({ name, members }) => `${name}=${members.map(one => (one.kind === 'address' ? one.text : one.kind === 'include' ? `include ${one.path}` : `!${one.text}`)).join(',')}`).join(' ');
    assert.equal(shown, wanted, text);
  }
});

test('an included file has members one a line or with commas, and comments', () => {
  const parsed = parseMemberList('# people\nann, bob\n\n|prog, x\ncarol\n');
  assert.ok(parsed.kind === 'read');
  assert.deepEqual(parsed.value.map(one => (one.kind === 'address' ? one.text : one.kind)), ['ann', 'bob', 'instruction', 'carol']);
});

test('no text makes the parser throw, and every problem has its line', () => {
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom('a', 'b', '@', '.', ':', ',', '|', '/', '"', '\\', '#', ' ', '\t', '\n', '<', '>', '!'), maxLength: 80 }), text => {
    const parsed = parseAliases(text);
    if (parsed.kind === 'wrong') assert.ok(parsed.problems.every(({ line }) => line >= 1 && line <= text.split('\n').length));
  }));
});

function tableOf(text: string): AliasTable {
  const parsed = parseAliases(text);
  assert.ok(parsed.kind === 'read', text);
  const canonical = (address: Address) => (domainOf(address) === '' ? (parseAddress(`${address}@here.example`) ?? address) : address);
  return createAliasTable(parsed.value.map(({ line, name, members }) => ({ where: `aliases:${line}`, name, members: members.filter(one => one.kind !== 'include') })), canonical);
}

function ask(text: string, address: string): string | null {
  const asked = parseAddress(address);
  assert.ok(asked !== null);
  const found = tableOf(text).find(asked);
  return found === null ? null : found.targets.map(one => (one.kind === 'address' ? one.address : one.text)).join(' ');
}

test('members are resolved as far as they go; nobody is named twice', () => {
  const text = 'a: b, c\nb: d, e\nc: e, f@out.example\n';
  assert.equal(ask(text, 'a@here.example'), 'd@here.example e@here.example f@out.example');
  assert.equal(ask(text, 'nobody@here.example'), null);
  assert.equal(ask('a: b\na: c\n', 'a@here.example'), 'b@here.example c@here.example', 'two lines of one name are one alias');
});

test('what leads back to itself is its own mailbox there', () => {
  assert.equal(ask('x: x, y\n', 'x@here.example'), 'x@here.example y@here.example');
  assert.equal(ask('a: b\nb: a\n', 'a@here.example'), 'a@here.example');
  assert.equal(ask('a: b, c\nb: a, d\nc: b\n', 'a@here.example'), 'a@here.example d@here.example');
});

test('virtual domains put the local-part behind the user, with a dash unless it ends in !', () => {
  assert.equal(ask('@v.example: user\n', 'Sales@v.example'), 'user-Sales@here.example');
  assert.equal(ask('@v.example: user@other.example\n', 'x@v.example'), 'user-x@other.example');
  assert.equal(ask('@v.example: a!b!\n', 'x@v.example'), 'a!b!x@here.example');
  assert.equal(ask('@v.example: user\nboss@v.example: ann\n', 'boss@v.example'), 'ann@here.example', 'an exact name goes first');
  assert.equal(ask('@v.example: user\n', 'a%b@v.example'), null);
  assert.equal(ask('all: x@v.example\n@v.example: user\n', 'all@here.example'), 'user-x@here.example');
});

test('a chain of a thousand aliases, and a web where each names all, are answered', () => {
  const chain = Array.from({ length: 1000 }, (_, n) => `a${n}: a${n + 1}`).join('\n');
  assert.equal(ask(chain, 'a0@here.example'), 'a1000@here.example');
  const web = Array.from({ length: 60 }, (_, n) => `a${n}: ${Array.from({ length: 60 }, (_unused, m) => `a${m}`).join(', ')}, end${n}`).join('\n');
  assert.equal(ask(web, 'a0@here.example')?.split(' ').filter(one => one.startsWith('end')).length, 60);
});

test('what is no address is a problem that says where', () => {
  assert.deepEqual(tableOf('a: b..c\n@x y.example: u\n').problems.map(({ where }) => where), ['aliases:1', 'aliases:2']);
});

test('sendmail’s file comes over with names in small letters, and owner- is remarked upon', () => {
  const { aliases, remarks } = importSendmailAliases('Postmaster: root\nMAILER-DAEMON: postmaster\nowner-list: ann\nprog: "|/usr/bin/x, y"\nnobody: /dev/null\n');
  assert.equal(parseAliases(aliases).kind, 'read');
  assert.match(aliases, /^postmaster: root\nmailer-daemon: postmaster/);
  assert.equal(remarks.length, 1);
});

test('qmail’s virtualdomains become virtual domains and single addresses', () => {
  const { aliases, domains, remarks } = importVirtualDomains('# x\nv.example:user\nann@w.example:ann-w\n.sub.example:u\nout.example:\nnonsense\n');
  assert.equal(aliases, '@v.example: user\nann@w.example: ann-w-ann\n');
  assert.deepEqual(domains, ['v.example']);
  assert.equal(remarks.length, 3);
});
