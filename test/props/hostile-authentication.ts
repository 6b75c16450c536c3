/** What strangers write about themselves: SPF records and macros, authors, fields in our name. */
import assert from 'node:assert/strict';
import { authServId, formatAuthenticationResults } from '../../src/grammar/header/authentication-results.ts';
import { firstAuthor } from '../../src/grammar/header/author.ts';
import { parseAddress } from '../../src/grammar/address.ts';
import { applyHeaderRules } from '../../src/grammar/header/rules.ts';
import { formatReceivedSpf } from '../../src/grammar/header/received-spf.ts';
import { expandDomain, parseMacroText } from '../../src/grammar/spf/macro.ts';
import { parseSpfRecord } from '../../src/grammar/spf/record.ts';
import type { Subject } from './hostile-input.ts';

const values = { s: 'ann@a.example', l: 'ann', o: 'a.example', d: 'a.example', i: '192.0.2.1', p: 'mx.a.example', v: 'in-addr', h: 'mx.a.example', c: '192.0.2.1', r: 'here.example', t: '0' };
/** A field of ours is one field: no line of it begins as another one. */
const ONE_FIELD = /^[^\r\n]*(?:\r\n[ \t][^\r\n]*)*$/;

export const hostileAuthentication: Subject = {
  name: 'authentication',
  seeds: [
    'v=spf1 a mx:b.example/24//64 ip4:192.0.2.0/24 ip6:2001:db8::/32 include:%{d2r.-}.example exists:%{ir}.%{v}.%{l1r+}.x.example ?ptr -all exp=%{o} x=%%%_%-', 'v=spf1 redirect=%{L}.example', '%{s32r.-+,/_=} %{c} %{t}',
    'From: "A \\"B\\" <x@y>" (c (d)) <ann@a.example>, us: bob@b.example;\r\nAuthentication-Results: (x (y) \\) z) "mx.here.example" 1; dkim=pass\r\n header.d=a\r\nReceived-SPF: pass\r\nReturn-Path: <a@b>\r\n\r\n',
    'from : <@r.example:ann@a.example>\n', 'authentication-results\t: mx.here.example.\r\n\t; none\r\n',
  ],
  read(input) {
    const record = parseSpfRecord(input.startsWith('v=spf1') ? input : `v=spf1 ${input}`);
    for (const { mechanism } of record?.directives ?? []) {
      if ('domain' in mechanism && mechanism.domain !== null) assert.ok(expandDomain(mechanism.domain, values).length <= 253);
    }
    const macros = parseMacroText(input, 'explain');
    if (macros !== null) assert.match(expandDomain(macros, values), /^[\x20-\x7e]*$/);
    const author = firstAuthor(Buffer.from(input, 'latin1'));
    if (author !== null) assert.equal(parseAddress(author), author);
    const ours = { authServId: 'mx.here.example', allResults: false, receivedSpf: true };
    const ruled = applyHeaderRules(input, { address: null, despiteSignature: false, ours });
    for (const [, value = ''] of ruled.matchAll(/^authentication-results[ \t]*:((?:[^\n]|\n[ \t])*)/gim)) assert.notEqual(authServId(value), 'mx.here.example');
    assert.doesNotMatch(ruled, /^received-spf[ \t]*:/im);
    assert.match(formatReceivedSpf({ result: 'pass', identity: 'helo', sender: input, remoteAddress: '192.0.2.1', remoteName: input, helo: input, receiver: 'x' }), ONE_FIELD);
    assert.match(formatAuthenticationResults('x', [{ method: 'dkim', result: 'fail', comment: input, properties: [['header.d', input], ['header.s', input]] }]), ONE_FIELD);
  },
};
