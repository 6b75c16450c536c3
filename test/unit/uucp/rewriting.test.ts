/** RFC 976 as a table: where a path goes, what a neighbour reads, what the house makes of what a neighbour wrote. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../../src/grammar/address.ts';
import { fromUucp, routeAddress, routePath, toUucp, type Site } from '../../../src/grammar/uucp/bang-path.ts';
import { createNeighbors, parseNeighbors } from '../../../src/grammar/uucp/neighbors.ts';
import fc from '../../props/fast-check.ts';

function siteOf(neighbors: string, more: Partial<Site> = {}): Site {
  const parsed = parseNeighbors(neighbors);
  assert.ok(parsed.kind === 'read', JSON.stringify(parsed));
  return {
    me: 'here', defaultDomain: 'here.example', neighbors: createNeighbors(parsed.value), domains: new Map(),
    isLocal: domain => domain === 'here.example' || domain === 'also.example', ...more,
  };
}

const manual = siteOf('# the manual\nzilch\nfood\tF\ngreen\tG\nrose\tR\npair!far\npair!wide F\nmany!hops\nmany R\nfull.example\n');

const ROUTES: readonly (readonly [string, string])[] = [
  // [path, node: argument | unknown | invalid]
  ['zilch!addr', 'zilch: addr'],
  ['ZILCH!Addr', 'ZILCH: Addr'],
  ['zilch!more!addr', 'unknown'],
  ['food!banana', 'food: banana'],
  ['food!fruits!banana', 'food!fruits: banana'],
  ['food!a!b!c!d', 'food!a!b!c: d'],
  ['green!its!drink', 'green: its!drink'],
  ['green!drink', 'green: drink'],
  ['rose!by!name', 'rose: by!name'],
  ['rose!name', 'rose: name'],
  ['pair!far!user', 'pair!far: user'],
  ['pair!user', 'unknown'],
  ['pair!far!on!user', 'unknown'],
  ['pair!wide!on!user', 'pair!wide!on: user'],
  ['many!hops!apple', 'many: hops!apple'],
  ['many!apple', 'many: apple'],
  ['full.example!user', 'full.example: user'],
  ['here!zilch!addr', 'zilch: addr'],
  ['here!here!HERE!zilch!addr', 'zilch: addr'],
  ['nobody!addr', 'unknown'],
  ['here!addr', 'invalid'],
  ['addr', 'invalid'],
  ['', 'invalid'],
  ['!a!b', 'invalid'],
  ['a!!b', 'invalid'],
  ['a!b!', 'invalid'],
  ['zilch!', 'invalid'],
  ['!', 'invalid'],
  ['green!-x!user', 'invalid'],
  ['-oQ!user', 'invalid'],
  ['../../etc!user', 'invalid'],
  ['zi lch!user', 'invalid'],
  ['zilch;id!user', 'invalid'],
  ['$(id)!user', 'invalid'],
  ['zilch.!user', 'invalid'],
  ['zil..ch!user', 'invalid'],
  [`${'green!'.repeat(40)}user`, 'invalid'],
];

test('where a path goes', () => {
  for (const [path, wanted] of ROUTES) {
    const routed = routePath(path, manual);
    assert.equal(routed.kind === 'route' ? `${routed.node}: ${routed.argument}` : routed.kind, wanted, path);
  }
});

const IN: readonly (readonly [string, string])[] = [
  // [as the neighbour wrote it, the house's]
  ['zilch!bob', 'zilch!bob@here.example'],
  ['here!zilch!bob', 'zilch!bob@here.example'],
  ['Here!bob', 'bob@here.example'],
  ['bob', 'bob@here.example'],
  ['relay.example.com!user', 'user@relay.example.com'],
  ['Relay.Example.COM!User', 'User@relay.example.com'],
  ['here!relay.example.com!user', 'user@relay.example.com'],
  ['relay.example.com!next!user', 'next!user@relay.example.com'],
  ['bob@there.example', 'bob@there.example'],
  ['here!bob@there.example', 'bob@there.example'],
  ['a!b@c.example', 'a!b@c.example'],
  ['zilch!b@here.example', 'zilch!b@here.example'],
  ['<zilch!bob>', 'zilch!bob@here.example'],
  ['<bob@there.example>', 'bob@there.example'],
  ['stranger!bob', 'stranger!bob@here.example'],
  ['full.example!bob', 'full.example!bob@here.example'],
  ['here.example!bob', 'bob@here.example'],
  ['food!fruits!banana', 'food!fruits!banana@here.example'],
  ['', ''],
  ['<>', ''],
  ['!bob', '!bob@here.example'],
  ['relay.example.com!', 'relay.example.com!@here.example'],
  ['here!', 'here!@here.example'],
  ['user%there.example', 'user%there.example@here.example'],
];

test('what a neighbour wrote becomes ours, and stays so', () => {
  for (const [written, wanted] of IN) {
    assert.equal(fromUucp(written, manual), wanted, written);
    assert.equal(fromUucp(wanted, manual), wanted, `a second time: ${written}`);
  }
});

const OUT: readonly (readonly [string, string, string, string])[] = [
  // [local-part, domain, node that reads it, as it is written there]
  ['someone', 'domain.com', 'apple', 'here!domain.com!someone'],
  ['john', 'here.example', 'apple', 'here!john'],
  ['john', '', 'apple', 'here!john'],
  ['john', 'also.example', 'apple', 'here!also.example!john'],
  ['zilch!bob', 'here.example', 'apple', 'here!zilch!bob'],
  ['zilch!bob', 'also.example', 'apple', 'here!zilch!bob'],
  ['zilch!bob', 'here.example', 'zilch', 'bob'],
  ['Zilch!far!bob', 'here.example', 'zilch', 'far!bob'],
  ['zilch!far!bob', 'here.example', 'zilch!far', 'bob'],
  ['zilcher!bob', 'here.example', 'zilch', 'here!zilcher!bob'],
  ['bob', 'full.example', 'full.example', 'bob'],
  ['a!b', 'c.example', 'apple', 'here!c.example!a!b'],
  ['', '', 'apple', ''],
  ['list-bob=there.example', 'here.example', 'apple', 'here!list-bob=there.example'],
];

test('our addresses as a neighbour is to answer them', () => {
  for (const [local, domain, node, wanted] of OUT) assert.equal(toUucp(local, domain, node, manual), wanted, `${local} at ${domain} for ${node}`);
});

test('a domain is reached by UUCP when it is a neighbour, or mapped to one', () => {
  const site = siteOf('siteb\nfull.example\n', { domains: new Map([['office.example', 'siteb'], ['.office.example', 'siteb']]) });
  const shown = (local: string, domain: string) => {
    const routed = routeAddress(local, domain, site);
    return routed?.kind === 'route' ? `${routed.node}: ${routed.argument}` : (routed?.kind ?? null);
  };
  assert.equal(shown('bob', 'office.example'), 'siteb: office.example!bob');
  assert.equal(shown('bob', 'pc.office.example'), 'siteb: pc.office.example!bob');
  assert.equal(shown('bob', 'notoffice.example'), null);
  assert.equal(shown('bob', 'full.example'), 'full.example: bob');
  assert.equal(shown('siteb!bob', 'here.example'), 'siteb: bob');
  assert.equal(shown('siteb!bob', 'also.example'), 'siteb: bob');
  assert.equal(shown('siteb!bob', 'elsewhere.example'), null, 'the @ binds last');
  assert.equal(shown('nobody!bob', 'here.example'), 'unknown');
  assert.equal(shown('bob', 'here.example'), null);
});

test('what we write comes back to us as it was, whatever the address', () => {
  const word = fc.stringMatching(/^[a-z0-9][a-z0-9_+=-]{0,12}$/);
  const domain = fc.stringMatching(/^[a-z][a-z0-9]{0,8}\.(?:com|example\.net|org)$/);
  fc.assert(fc.property(word, fc.oneof(domain, fc.constant('here.example')), (local, at) => {
    assert.equal(fromUucp(toUucp(local, at, 'apple', manual), manual), `${local}@${at}`);
  }));
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.array(fc.constantFrom('!', '@', 'here!', 'zilch!', '.', '-', 'x')), (noise, more) => {
    const text = noise + more.join('');
    const once = fromUucp(text, manual);
    assert.equal(fromUucp(once, manual).replace(/^<|>$/g, ''), once.replace(/^<|>$/g, ''));
    const routed = routePath(text, manual);
    if (routed.kind !== 'route') return;
    assert.match(routed.node, /^[a-z0-9][a-z0-9_.-]*(?:![a-z0-9][a-z0-9_.-]*)*$/i, 'never an option, never a path');
    if (parseAddress(once) !== null) assert.ok(once.length > 0);
  }));
});

test('neighbours: the file, good and bad', () => {
  const bad: readonly (readonly [string, RegExp])[] = [
    ['-x', /not a node/], ['a b c', /flags/], ['a!', /not a node/], ['siteb\tX', /flags/], ['siteb\nSITEB F', /second line/], ['../x', /not a node/], ['a!!b', /not a node/],
  ];
  for (const [text, wanted] of bad) {
    const parsed = parseNeighbors(text);
    assert.ok(parsed.kind === 'wrong', text);
    assert.match(parsed.problems[0]?.what ?? '', wanted);
  }
  const parsed = parseNeighbors('# all\n\nsiteb\r\nfar!away\tf\n');
  assert.deepEqual(parsed, { kind: 'read', value: [{ path: 'siteb', reach: 'only' }, { path: 'far!away', reach: 'forward' }] });
  fc.assert(fc.property(fc.string({ unit: 'binary' }), text => void parseNeighbors(text)));
});
