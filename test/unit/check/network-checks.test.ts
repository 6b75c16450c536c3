/** SPF, the sender's domain, HELO, freemail, badmx, spamtraps: what a client hears, and what stands in the message. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessDesk } from '../../props/access-desk.ts';
import type { Names } from '../../props/names.ts';

const spf: Names = {
  'txt mx.there.example': ['v=spf1 ip4:192.0.2.1 -all'],
  'txt there.example': ['v=spf1 ip4:192.0.2.1 -all exp=why.there.example'],
  'txt why.there.example': ['%{i} is not ours'],
  'txt soft.example': ['v=spf1 ~all'],
  'txt neutral.example': ['v=spf1 ?all'],
  'txt broken.example': ['v=spf1 nonsense'],
  'txt slow.example': 'unavailable',
};
const usual = 'pass,none,softfail,neutral,unknown';

test('SPF is off until a list turns it on', async () => {
  const { say, resolver } = accessDesk({ names: spf });
  assert.equal((await say({ origin: { remoteAddress: '203.0.113.9' } })).answer, 'queued');
  assert.equal((await say({ origin: { remoteAddress: '203.0.113.9' }, variables: { BOFHSPFMAILFROM: 'off,pass', BOFHSPFHELO: '' } })).answer, 'queued');
  assert.deepEqual(resolver.asked, []);
});

test('MAIL FROM: what is not in the list is refused, for good where BOFHSPFHARDERROR says so', async () => {
  const { say } = accessDesk({ names: spf });
  const stranger = { remoteAddress: '203.0.113.9' };
  const mail = (from: string, more: Record<string, string> = {}) => say({ from, origin: stranger, variables: { BOFHSPFMAILFROM: 'pass', ...more } });
  assert.equal((await mail('a@there.example')).answer, '550 5.7.23 SPF fail MAILFROM: the domain says: 203.0.113.9 is not ours');
  assert.equal((await mail('a@there.example', { BOFHSPFNOVERBOSE: '1' })).answer, '550 5.7.23 SPF fail MAILFROM');
  assert.equal((await mail('a@soft.example')).answer, '550 5.7.23 SPF softfail MAILFROM');
  assert.equal((await mail('a@soft.example', { BOFHSPFHARDERROR: 'fail' })).answer, '451 4.7.24 SPF softfail MAILFROM');
  assert.equal((await mail('a@neutral.example')).answer, '451 4.7.24 SPF neutral MAILFROM');
  assert.equal((await mail('a@broken.example', { BOFHSPFHARDERROR: 'fail,unknown' })).answer, '550 5.7.23 SPF permerror MAILFROM');
  assert.equal((await mail('a@slow.example', { BOFHSPFMAILFROM: usual })).answer, '451 4.7.24 SPF temperror MAILFROM');
  assert.equal((await mail('a@slow.example', { BOFHSPFMAILFROM: `${usual},error` })).answer, 'queued');
  assert.equal((await mail('a@nowhere.example')).answer, '451 4.7.24 SPF none MAILFROM');
  for (const from of ['a@soft.example', 'a@neutral.example', 'a@broken.example', 'a@nowhere.example']) assert.equal((await mail(from, { BOFHSPFMAILFROM: usual })).answer, 'queued', from);
  assert.equal((await mail('a@there.example', { BOFHSPFMAILFROM: 'all' })).answer, 'queued');
  assert.equal((await say({ from: null, origin: stranger, variables: { BOFHSPFMAILFROM: 'pass' } })).answer, 'queued', 'a report has no sender to check');
});

test('the field says what was found, in Courier\'s layout, above our Received', async () => {
  const { say } = accessDesk({ names: spf });
  const { header } = await say({ variables: { BOFHSPFHELO: 'pass', BOFHSPFMAILFROM: 'pass' } });
  assert.match(header, new RegExp(`^${[
    'Received-SPF: pass \\(Address passes the Sender Policy Framework\\)', '  identity=helo;', '  SPF=HELO;', '  sender=mx.there.example;', '  remoteip=192.0.2.1;',
    '  remotehost=mx.there.example;', '  helo=mx.there.example;', '  receiver=mx.here.example;', 'Received-SPF: pass \\(.*', '  identity=mailfrom;', '  SPF=MAILFROM;', '  sender=ann@there.example;',
  ].join('\\n')}[^]*\\nReceived: from`));
});

test('what a stranger says in HELO and MAIL cannot make a field of its own', async () => {
  const { say } = accessDesk({ names: spf });
  const { answer, header } = await say({ from: '"a\\"; x=1;"@there.example', origin: { helo: 'a;b=c "(' }, variables: { BOFHSPFMAILFROM: 'pass' } });
  assert.equal(answer, 'queued');
  assert.match(header, /\n {2}sender="\\"a\\\\\\"; x=1;\\"@there\.example";\n/);
  assert.match(header, /\n {2}helo="a;b=c \\"\(";\n/);
});

test('HELO: a literal is not asked about, the client\'s own address passes, and a failure is refused', async () => {
  const { say, resolver } = accessDesk({ names: spf });
  const variables = { BOFHSPFHELO: 'pass' };
  assert.equal((await say({ origin: { helo: '[192.0.2.77]' }, variables })).answer, 'queued');
  assert.equal((await say({ origin: { helo: '192.0.2.1' }, variables })).answer, 'queued');
  assert.deepEqual(resolver.asked, []);
  assert.equal((await say({ origin: { remoteAddress: '203.0.113.9' }, variables })).answer, '550 5.7.23 SPF fail HELO');
});

test('From: the author counts, unless MAIL FROM has passed and that is enough', async () => {
  const { say } = accessDesk({ names: spf });
  const from = (author: string) => `From: ${author}\r\nTo: b@here.example\r\n\r\nbody\r\n`;
  const variables = { BOFHSPFFROM: 'pass,none' };
  assert.equal((await say({ content: from('"Bob (the, boss)" <x@soft.example>'), variables })).answer, '550 5.7.23 SPF softfail FROM');
  assert.equal((await say({ content: from('x@soft.example (by hand), ann@there.example'), variables })).answer, '550 5.7.23 SPF softfail FROM');
  assert.equal((await say({ content: from('us: ann@there.example, x@soft.example;'), variables })).answer, 'queued');
  assert.equal((await say({ content: from('Nobody'), variables })).answer, 'queued');
  assert.match((await say({ variables })).header, /identity=from;\n {2}SPF=FROM;\n {2}sender=ann@there\.example;/);
  const enough = { BOFHSPFMAILFROM: 'pass', BOFHSPFFROM: 'pass,mailfromok' };
  assert.equal((await say({ content: from('x@soft.example'), variables: enough })).answer, 'queued');
});

test('BOFHSPFTRUSTME spares relay clients, and allowok those in an allow list', async () => {
  const { say } = accessDesk({ names: { ...spf, 'a 9.113.0.203.good.example': ['127.0.0.2'] } });
  const stranger = { remoteAddress: '203.0.113.9' };
  const variables = { BOFHSPFMAILFROM: 'pass', BOFHSPFTRUSTME: '1' };
  assert.equal((await say({ origin: { ...stranger, relayClient: '' }, variables })).answer, 'queued');
  assert.match((await say({ origin: stranger, variables })).answer, /^550 5\.7\.23/);
  const listed = { BOFHSPFMAILFROM: 'pass,allowok', BLACKLISTS: '-allow=good.example' };
  assert.equal((await say({ origin: stranger, variables: listed })).answer, 'queued');
  assert.match((await say({ origin: { remoteAddress: '203.0.113.8' }, variables: listed })).answer, /^550 5\.7\.23/);
});

test('DNS that hangs costs a client twenty seconds and a temporary answer', async () => {
  const { say, clock } = accessDesk({ names: { 'txt there.example': 'never', 'mx there.example': 'never' } });
  const asking = say({ variables: { BOFHSPFMAILFROM: 'pass' } });
  const late = async (): Promise<void> => {
    while (clock.sleepers === 0) await new Promise(setImmediate);
    await clock.advance(20_000);
  };
  await late();
  assert.equal((await asking).answer, '451 4.7.24 SPF temperror MAILFROM');
  const looking = say({ variables: { BOFHCHECKDNS: '1' } });
  await late();
  assert.equal((await looking).answer, '451 4.4.3 Cannot look that domain up now');
});

const domains: Names = {
  'mx there.example': [{ preference: 5, exchange: 'mx.there.example' }, { preference: 10, exchange: 'mx2.there.example' }],
  'a mx.there.example': ['192.0.2.1'], 'a mx2.there.example': ['192.0.2.66'],
  'a plain.example': ['192.0.2.2'], 'aaaa six.example': ['2001:db8::1'],
  'mx null.example': [{ preference: 0, exchange: '' }],
  'mx numeric.example': [{ preference: 0, exchange: '192.0.2.3' }],
  'mx empty.example': [{ preference: 0, exchange: 'nobody.example' }],
  'mx away.example': 'unavailable', 'mx round.example': 'loop',
  'mx half.example': [{ preference: 0, exchange: 'away2.example' }, { preference: 1, exchange: 'mx.there.example' }], 'a away2.example': 'unavailable',
  'mx late.example': [{ preference: 0, exchange: 'away2.example' }],
};

test('BOFHCHECKDNS: a sender must be one that can be answered; on unless turned off', async () => {
  const { say } = accessDesk({ names: domains });
  const rows: readonly [string, string][] = [
    ['there', 'queued'], ['plain', 'queued'], ['six', 'queued'], ['half', 'queued'],
    ['nowhere', '550 5.1.8 The sender domain takes no mail'], ['empty', '550 5.1.8 The sender domain takes no mail'],
    ['round', '550 5.1.8 The sender domain is a loop of aliases'],
    ['null', '550 5.7.27 The sender domain says that it takes no mail'],
    ['numeric', '550 5.1.8 The sender domain has an address for an MX (RFC 1035)'],
    ['away', '451 4.4.3 Cannot look that domain up now'], ['late', '451 4.4.3 Cannot look that domain up now'],
  ];
  for (const [name, answer] of rows) {
    assert.equal((await say({ from: `a@${name}.example`, variables: { BOFHCHECKDNS: '1' } })).answer, answer, name);
    assert.equal((await say({ from: `a@${name}.example` })).answer, 'queued', `${name} with BOFHCHECKDNS=0`);
  }
  for (const from of [null, 'a@here.example', 'a@[192.0.2.5]']) assert.equal((await say({ from, variables: { BOFHCHECKDNS: '1' } })).answer, 'queued', String(from));
  const office = { relayClient: '' };
  assert.equal((await say({ from: 'a@away.example', origin: office, variables: { BOFHCHECKDNS: '1' } })).answer, 'queued', 'an office without a name server may send');
  assert.match((await say({ from: 'a@nowhere.example', origin: office, variables: { BOFHCHECKDNS: '1' } })).answer, /^550/);
  assert.match((await say({ from: 'a@nowhere.example', variables: { BOFHCHECKDNS: '1', BLOCK: 'no' } })).answer, /^550 5\.7\.1 no/, 'a blocked client is told that, and nothing is asked');
});

test('badmx: any server of the sender\'s domain at that address', async () => {
  const { say } = accessDesk({ names: domains, bofh: 'badmx 192.0.2.66\n' });
  assert.equal((await say({ variables: { BOFHCHECKDNS: '1' } })).answer, '550 5.7.1 The mail server of the sender domain is not wanted here');
  assert.equal((await say({ from: 'a@plain.example', variables: { BOFHCHECKDNS: '1' } })).answer, 'queued');
});

test('BOFHCHECKHELO: the name must lead to the client, by MX or address', async () => {
  const { say } = accessDesk({ names: { ...domains, ...spf, 'a away.example': 'unavailable' } });
  const helo = (name: string, how = '1', more: Record<string, string> = {}) => say({ origin: { helo: name }, variables: { BOFHCHECKHELO: how, ...more } });
  for (const good of ['mx.there.example', 'there.example', '[192.0.2.1]', '192.0.2.1']) assert.equal((await helo(good)).answer, 'queued', good);
  for (const bad of ['plain.example', 'null.example', '[192.0.2.2]', 'nowhere.example']) {
    assert.match((await helo(bad)).answer, /^550 5\.7\.1 /, bad);
    assert.match((await helo(bad, '2')).answer, /^450 4\.7\.1 /, bad);
    assert.equal((await helo(bad, '0')).answer, 'queued');
  }
  assert.match((await helo('away.example')).answer, /^450 4\.7\.1 /, 'trouble of ours or theirs is never final');
  assert.equal((await say({ origin: { helo: 'plain.example', relayClient: '' }, variables: { BOFHCHECKHELO: '1' } })).answer, 'queued');
  assert.equal((await say({ origin: { helo: 'ok.example' }, variables: { BOFHCHECKHELO: '1', BOFHSPFHELO: 'all' } })).answer.slice(0, 3), '550', 'SPF none is no pass');
});

test('a SPF pass for HELO is enough for BOFHCHECKHELO', async () => {
  const { say } = accessDesk({ names: { 'txt proven.example': ['v=spf1 ip4:192.0.2.1 -all'] } });
  const origin = { helo: 'proven.example' };
  assert.match((await say({ origin, variables: { BOFHCHECKHELO: '1' } })).answer, /^550/);
  assert.equal((await say({ origin, variables: { BOFHCHECKHELO: '1', BOFHSPFHELO: 'pass' } })).answer, 'queued');
});

test('freemail: from its own servers, by their confirmed names', async () => {
  const { say } = accessDesk({ names: { 'ptr 192.0.2.8': 'unavailable' }, bofh: 'freemail free.example relay.free.net\n' });
  const from = 'x@free.example';
  assert.equal((await say({ from, origin: { remoteName: 'out3.free.example' } })).answer, 'queued');
  assert.equal((await say({ from, origin: { remoteName: 'relay.free.net' } })).answer, 'queued');
  assert.match((await say({ from, origin: { remoteName: 'notfree.example' } })).answer, /^550 5\.7\.1 /);
  const nameless = { remoteAddress: '192.0.2.9' };
  const desk = accessDesk({ names: { 'ptr 192.0.2.8': 'unavailable' }, bofh: 'freemail free.example\n' });
  const bare = (remoteAddress: string) => desk.say({ from, origin: { remoteAddress, remoteName: undefined as unknown as string } });
  assert.match((await bare(nameless.remoteAddress)).answer, /^550/, 'no name is no proof');
  assert.equal((await bare('192.0.2.8')).answer, 'queued', 'a name that cannot be had now is not held against it');
  assert.equal((await say({ from, origin: { remoteName: 'home.example', relayClient: '' } })).answer, 'queued');
  assert.equal((await say({ origin: { remoteName: 'home.example' } })).answer, 'queued');
});

test('spamtrap: one recipient in it, and nobody gets the message', async () => {
  const { say, store } = accessDesk({ bofh: 'spamtrap trap@here.example\nspamtrap @.traps.here.example\n' });
  const { answer, why } = await say({ to: ['bob@here.example', 'TRAP@here.example'] });
  assert.equal(answer, '550 5.7.1 Message refused');
  assert.match(why, /spamtrap/);
  assert.equal((await store.summary()).messages, 0);
  assert.equal((await say()).answer, 'queued');
});
