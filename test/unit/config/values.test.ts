import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseOneLine } from '../../../src/grammar/config/control-file.ts';
import { formatDuration, longestDurationMs, parseDuration } from '../../../src/grammar/config/duration.ts';
import { formatEndpoint, parseEndpoint, parsePortList } from '../../../src/grammar/config/endpoint.ts';
import { nearestName } from '../../../src/grammar/config/nearest-name.ts';
import { formatSize, largestSizeOctets, parseSize } from '../../../src/grammar/config/size.ts';
import { linesOf, valueOf } from './parsed-props.ts';
import fc from '../../props/fast-check.ts';

test('durations are sums of w d h m s, and a bare number is seconds', () => {
  const rows: readonly (readonly [string, number | null])[] = [
    ['1w2d', 777_600_000], ['4h', 14_400_000], ['90', 90_000], ['1m30s', 90_000], ['0', 0], ['5m5m', 600_000],
    ['', null], ['1x', null], ['h', null], ['1h 2m', null], ['-1', null], ['1.5h', null], ['1H', null], ['600w', null], ['10m5', null],
  ];
  for (const [text, ms] of rows) {
    const parsed = parseDuration(text);
    assert.equal(parsed.kind === 'read' ? parsed.value : null, ms, text);
  }
  fc.assert(fc.property(fc.nat(longestDurationMs / 1000), (seconds) => assert.equal(valueOf(parseDuration(formatDuration(seconds * 1000))), seconds * 1000)));
});

test('sizes are octets, with K M G as powers of 1024', () => {
  const rows: readonly (readonly [string, number | null])[] = [
    ['0', 0], ['10485760', 10_485_760], ['64k', 65_536], ['128M', 134_217_728], ['2G', 2_147_483_648], ['', null], ['-1', null], ['1.5M', null], ['1MB', null], ['99999G', null],
  ];
  for (const [text, octets] of rows) {
    const parsed = parseSize(text);
    assert.equal(parsed.kind === 'read' ? parsed.value : null, octets, text);
  }
  fc.assert(fc.property(fc.maxSafeNat().filter((octets) => octets <= largestSizeOctets), (octets) => assert.equal(valueOf(parseSize(formatSize(octets))), octets)));
});

test('a file of one value may have comments, and no second value', () => {
  assert.deepEqual(valueOf(parseOneLine('\uFEFF# why\r\n\r\n  4h  \r\n', '4h')), { line: 3, text: '4h' });
  assert.deepEqual(linesOf(parseOneLine('1h\n\n2h\n', '4h')), [3]);
  assert.deepEqual(linesOf(parseOneLine('# nothing\n', '4h')), [1]);
});

test('PORT lists: port, service or address.port, with ADDRESS standing in', () => {
  assert.deepEqual(valueOf(parsePortList('smtp', null)), [{ address: null, port: 25 }]);
  assert.deepEqual(valueOf(parsePortList('25,127.0.0.1.2525, ::1.0', '192.0.2.1')), [
    { address: '192.0.2.1', port: 25 }, { address: '127.0.0.1', port: 2525 }, { address: '::1', port: 0 },
  ]);
  for (const bad of ['', 'smpt', '65536', '127.0.0.2525', '1.2.3.4.5.25', 'constructor', 'host.25']) assert.equal(parsePortList(bad, null).kind, 'wrong', bad);
});

test('endpoints need brackets around IPv6 with a port', () => {
  assert.deepEqual(valueOf(parseEndpoint('[2001:db8::1]:53', 1, '')), { host: '2001:db8::1', port: 53 });
  assert.deepEqual(valueOf(parseEndpoint('2001:DB8::1', 53, '')), { host: '2001:db8::1', port: 53 });
  assert.deepEqual(valueOf(parseEndpoint('proxy.example', 1080, '')), { host: 'proxy.example', port: 1080 });
  for (const bad of ['', ':25', 'a:b', '[1.2.3]:4', 'host', 'host:65536', 'a b:1', 'user@host:1']) assert.equal(parseEndpoint(bad, null, 'x').kind, 'wrong', bad);
  assert.equal(formatEndpoint({ host: '::1', port: 2580 }), '[::1]:2580');
});

test('the nearest known name is offered for a slip, and nothing for a stranger', () => {
  const known = ['queuetime', 'warntime', 'locals', 'me', 'esmtpd', 'esmtpd-msa'];
  for (const [name, meant] of [['quetime', 'queuetime'], ['qeuuetime', 'queuetime'], ['local', 'locals'], ['esmptd', 'esmtpd'], ['esmtpd_msa', 'esmtpd-msa'], ['somethingelse', undefined], ['', 'me']] as const) {
    assert.equal(nearestName(name, known), meant, name);
  }
});
