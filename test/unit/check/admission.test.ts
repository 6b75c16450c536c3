import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAdmission } from '../../../src/flow/check/index.ts';
import { parseAccess, type AccessEntry } from '../../../src/grammar/config/ways-in/access.ts';
import { formatIpAddress, networkHas, parseIpAddress } from '../../../src/grammar/config/network.ts';
import { valueOf } from '../config/parsed-props.ts';
import fc from '../../props/fast-check.ts';

function admissionOf(text: string, variables = new Map<string, string>()): (remoteAddress: string) => string {
  const admission = createAdmission({ access: valueOf(parseAccess(text)), variables });
  return (remoteAddress) => {
    const answer = admission.admit({ remoteAddress, localAddress: '192.0.2.1', localPort: 25 });
    return answer.kind === 'refused' ? `${answer.reply} ${answer.status}` : [...answer.variables].map(([name, value]) => `${name}=${value}`).join(',');
  };
}

test('only the most specific entry holds; nothing is inherited', () => {
  const admit = admissionOf('10\tallow,A\n10.1\tdeny\n10.1.2.3\tallow,B=1\n192.0.2.128/25\tallow,C\n2001:db8::/32\tallow,D\n2001:db8:1::/48\tdeny\n::1\tallow,E\n*\tallow,Z\n');
  const rows: readonly (readonly [string, string])[] = [
    ['10.2.0.1', 'A='], ['10.1.0.1', '554 5.7.1'], ['10.1.2.3', 'B=1'], ['192.0.2.200', 'C='], ['192.0.2.100', 'Z='], ['2001:db8:2::1', 'D='], ['2001:db8:1::1', '554 5.7.1'],
    ['::1', 'E='], ['::2', 'Z='], ['::ffff:10.1.2.3', 'B=1'], ['fe80::1%eth0', 'Z='], ['', 'Z='], ['not an address', 'Z='],
  ];
  for (const [address, answer] of rows) assert.equal(admit(address), answer, address);
});

test('no entry means accept, with what the listener says and no more', () => {
  assert.equal(admissionOf('10\tdeny', new Map([['TARPIT', '1']]))('192.0.2.1'), 'TARPIT=1');
});

test('an entry\'s variables are laid over the listener\'s', () => {
  assert.equal(admissionOf('10\tallow,TARPIT=0,RELAYCLIENT', new Map([['TARPIT', '1'], ['MIME', 'none']]))('10.0.0.1'), 'TARPIT=0,MIME=none,RELAYCLIENT=');
});

test('the trie finds what comparing every entry finds', () => {
  const address = fc.oneof(fc.tuple(fc.constant(4 as const), fc.array(fc.constantFrom(0, 1, 128, 255), { minLength: 4, maxLength: 4 })), fc.tuple(fc.constant(6 as const), fc.array(fc.constantFrom(0, 1, 32, 255), { minLength: 16, maxLength: 16 })));
  const entry = fc.tuple(address, fc.nat(128)).map(([[family, octets], bits]) => `${formatIpAddress({ family, octets })}/${Math.min(bits, family === 4 ? 32 : 128)}`);
  fc.assert(
    fc.property(fc.uniqueArray(entry, { maxLength: 12 }), address, (networks, [family, octets]) => {
      const entries = valueOf(parseAccess(networks.map((network, index) => `${network}\tallow,N=${index}`).join('\n')));
      const peer = parseIpAddress(formatIpAddress({ family, octets }))!;
      let best: AccessEntry | undefined;
      for (const one of entries) if (one.network !== null && networkHas(one.network, peer) && (best === undefined || one.network.bits >= best.network!.bits)) best = one;
      const answer = createAdmission({ access: entries, variables: new Map() }).admit({ remoteAddress: formatIpAddress(peer), localAddress: '::1', localPort: 25 });
      assert.ok(answer.kind === 'admitted');
      assert.equal(answer.variables.get('N'), best?.decision.kind === 'allow' ? best.decision.variables.get('N') : undefined);
    }),
  );
});

test('who is denied hears what the operator wrote', () => {
  const admission = createAdmission({ access: valueOf(parseAccess('10\tdeny\n')), variables: new Map(), denied: 'Go away, please' });
  const answer = admission.admit({ remoteAddress: '10.1.2.3', localAddress: '192.0.2.1', localPort: 25 });
  assert.ok(answer.kind === 'refused');
  assert.deepEqual([answer.reply, answer.text], [554, 'Go away, please']);
});

test('-accesslocal: what holds for the place that was called, beside what holds for the caller', () => {
  const access = valueOf(parseAccess('192.0.2.1.25\tallow,PLACE=port\n192.0.2.1\tallow,PLACE=address,RELAYCLIENT\n*.25\tallow,PLACE=any,MIME=none\n192.0.2.7.587\tdeny\n10\tallow,OWN,MIME=8bit\n*\tallow,MIME=7bit,ALL\n2001:db8::1.25\tallow,PLACE=six\n'));
  const admit = (remoteAddress: string, localAddress: string, localPort: number, local = true): string => {
    const answer = createAdmission({ access, variables: new Map([['TARPIT', '1']]), local }).admit({ remoteAddress, localAddress, localPort });
    return answer.kind === 'refused' ? (answer.why ?? '') : [...answer.variables].map(([name, value]) => `${name}=${value}`).join(',');
  };
  const rows: readonly (readonly [string, string, number, string])[] = [
    ['203.0.113.1', '192.0.2.1', 25, 'TARPIT=1,PLACE=port,MIME=7bit,ALL='],
    ['203.0.113.1', '192.0.2.1', 587, 'TARPIT=1,PLACE=address,MIME=7bit,ALL='],
    ['203.0.113.1', '192.0.2.9', 25, 'TARPIT=1,PLACE=any,MIME=7bit,ALL='],
    ['203.0.113.1', '192.0.2.9', 26, 'TARPIT=1,MIME=7bit,ALL='],
    ['10.1.1.1', '192.0.2.9', 25, 'TARPIT=1,PLACE=any,MIME=8bit,OWN='],
    ['192.0.2.1', '192.0.2.9', 26, 'TARPIT=1,PLACE=address,RELAYCLIENT='],
    ['10.1.1.1', '192.0.2.7', 587, 'smtpaccess denies 192.0.2.7.587'],
    ['203.0.113.1', '2001:db8:0::1', 25, 'TARPIT=1,PLACE=six,MIME=7bit,ALL='],
  ];
  for (const [remote, local, port, said] of rows) assert.equal(admit(remote, local, port), said, `${remote} at ${local}.${port}`);
  assert.equal(admit('203.0.113.1', '192.0.2.1', 25, false), 'TARPIT=1,MIME=7bit,ALL=', 'only where it is asked for');
});
