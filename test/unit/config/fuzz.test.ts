import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAccess } from '../../../src/grammar/config/ways-in/access.ts';
import { parseBans } from '../../../src/grammar/config/ways-in/bans.ts';
import { parseDnsLists } from '../../../src/grammar/config/ways-in/dns-lists.ts';
import { parseGreylist } from '../../../src/grammar/config/ways-in/greylist.ts';
import { parseBofh } from '../../../src/grammar/config/ways-in/bofh.ts';
import { parseLines, parseOneLine, parseSwitch, parseWholeNumber } from '../../../src/grammar/config/control-file.ts';
import { createDomainList, parseDomainList } from '../../../src/grammar/config/domain-list.ts';
import { parseDuration } from '../../../src/grammar/config/duration.ts';
import { parseEndpoint, parsePortList } from '../../../src/grammar/config/endpoint.ts';
import { parseEnvironment } from '../../../src/grammar/config/environment.ts';
import { createHostedDomains, parseHostedDomains } from '../../../src/grammar/config/hosted-domains.ts';
import { parseTlsPriority } from '../../../src/grammar/config/tls-priority.ts';
import { parseTlsProtocol } from '../../../src/grammar/config/tls-version.ts';
import { parseListenerOptions } from '../../../src/grammar/config/ways-in/listener-options.ts';
import { nearestName } from '../../../src/grammar/config/nearest-name.ts';
import { parseNetwork } from '../../../src/grammar/config/network.ts';
import type { Parsed } from '../../../src/grammar/config/parsed.ts';
import { parseNameServers } from '../../../src/grammar/config/name-servers.ts';
import { parseSocksBinds } from '../../../src/grammar/config/ways-in/socks-bind.ts';
import { parseTlsReports } from '../../../src/grammar/config/ways-out/tls-reports.ts';
import { parseTlsPolicies } from '../../../src/grammar/config/ways-out/tls-policies.ts';
import { parseProxies } from '../../../src/grammar/config/proxies.ts';
import { parseRelayLogins } from '../../../src/grammar/config/ways-out/relay-logins.ts';
import { parseRoutes } from '../../../src/grammar/config/ways-out/routes.ts';
import { parseSize } from '../../../src/grammar/config/size.ts';
import { parseUserdb } from '../../../src/grammar/config/ways-in/userdb.ts';
import fc from '../../props/fast-check.ts';

const parsers: Readonly<Record<string, (text: string) => Parsed<unknown>>> = {
  access: parseAccess,
  bans: parseBans,
  bofh: parseBofh,
  'dns lists': parseDnsLists,
  greylist: parseGreylist,
  'one line': (text) => parseOneLine(text, 'x'),
  switch: (text) => parseSwitch(text, 'x'),
  number: (text) => parseWholeNumber(text, 0, 10, 'x'),
  'domain list': (text) => parseDomainList(text, 'host.example.com'),
  duration: (text) => parseDuration(text),
  endpoint: (text) => parseEndpoint(text, null, 'x'),
  ports: (text) => parsePortList(text, null),
  environment: (text) => parseEnvironment(text),
  'hosted domains': (text) => parseHostedDomains(text, 'box.example.net'),
  'listener options': parseListenerOptions,
  'tls priority': parseTlsPriority,
  'tls protocol': parseTlsProtocol,
  network: parseNetwork,
  proxies: parseProxies,
  'name servers': parseNameServers,
  'tls policies': parseTlsPolicies,
  'tls reports': parseTlsReports,
  'socks binds': parseSocksBinds,
  'relay logins': parseRelayLogins,
  routes: parseRoutes,
  size: (text) => parseSize(text),
};

/** Anything, and things made of the words that the languages know. */
const words = ['allow', 'deny', 'RELAYCLIENT', '=', ',', '"', "'", '\\', '$', '${X}', '`', '#', '!', '*', '.', ':', '[', ']', '::1', '10', '/8', '/SECURITY=SMTPS', '\t', ' ', '\n', '\r\n', 'NAME=', 'opt', 'badfrom', '-block=', '-accesslocal', '-maxperip=', '*.25', 'NORMAL', '+VERS-TLS1.0', '-VERS-ALL', '+', '%COMPAT', '-RSA', '-allow=', '-drop', 'a.example', 'BLOCK', '/127.0.0.2', 'authfailures', 'never', 'wait', 'client', 'a@b.c', 'socks5://', 'https://', 'via', 'at', 'private', 'verified', '@', '%', 'ü', '\0', '\uFEFF', '1w', '99999999999999999'];
const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.array(fc.constantFrom(...words), { maxLength: 40 }).map((parts) => parts.join('')));

for (const [name, parse] of Object.entries(parsers)) {
  test(`${name}: any text is a value or problems that name a line of it and an example`, () => {
    fc.assert(
      fc.property(text, (input) => {
        const parsed = parse(input);
        if (parsed.kind === 'read') return;
        assert.ok(parsed.problems.length > 0);
        for (const { line, what, right } of parsed.problems) {
          assert.ok(line >= 1 && line <= input.split('\n').length, `line ${line}`);
          assert.ok(what !== '' && right !== '');
          assert.doesNotMatch(what, /\p{Cc}/u, 'a message stays on its line');
        }
      }),
      { numRuns: 400 },
    );
  });
}

test('lists, look-ups and userdb take any text and any question', () => {
  fc.assert(
    fc.property(text, text, (input, question) => {
      parseLines(input);
      parseUserdb(input);
      nearestName(question, input.split('\n'));
      const domains = parseDomainList(input, 'host.example.com');
      if (domains.kind === 'read') createDomainList(domains.value).has(question);
      const hosted = parseHostedDomains(input, 'box.example.net');
      if (hosted.kind === 'read') createHostedDomains(hosted.value).find(question);
    }),
  );
});
