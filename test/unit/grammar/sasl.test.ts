import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createExchange, mechanisms, type ExchangeSetting, type Mechanism, type Step } from '../../../src/grammar/sasl/mechanisms.ts';
import fc from '../../props/fast-check.ts';

const setting: ExchangeSetting = {
  service: 'esmtp', challenge: () => '<1896.697170952@postoffice.reston.mci.net>', nonce: () => '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
  binding: type => (type === 'tls-exporter' ? Buffer.from('the channel') : null), identity: 'tim@here.example',
};
const base64 = (text: string | Buffer) => Buffer.from(text).toString('base64');
const password = (login: string, text: string): Step => ({ kind: 'proof', login, proof: { kind: 'password', password: text, service: 'esmtp' } });

/** The initial response, then lines; the last step counts. */
function talk(mechanism: Mechanism, initial: string | null, ...lines: string[]): Step {
  const exchange = createExchange(mechanism, setting);
  let step = exchange.begin(initial);
  for (const line of lines) {
    if (step.kind === 'salt') step = exchange.salted!(Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'), 4096);
    step = exchange.answer(line);
  }
  return step;
}

describe('SASL', () => {
  it('PLAIN, both ways in', () => {
    assert.deepEqual(talk('PLAIN', base64('\0tim\0tanstaaftanstaaf')), password('tim', 'tanstaaftanstaaf'));
    assert.deepEqual(talk('PLAIN', null), { kind: 'challenge', text: '' });
    assert.deepEqual(talk('PLAIN', null, base64('tim\0tim\0pass wörd')), password('tim', 'pass wörd'));
  });

  it('LOGIN, both ways in', () => {
    assert.deepEqual(talk('LOGIN', null), { kind: 'challenge', text: base64('Username:') });
    assert.deepEqual(talk('LOGIN', null, base64('tim')), { kind: 'challenge', text: base64('Password:') });
    assert.deepEqual(talk('LOGIN', base64('tim'), base64('pw')), password('tim', 'pw'));
  });

  it('CRAM-MD5 as RFC 2195 §2 has it', () => {
    assert.deepEqual(talk('CRAM-MD5', null), { kind: 'challenge', text: 'PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+' });
    assert.deepEqual(talk('CRAM-MD5', null, 'dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw'), {
      kind: 'proof', login: 'tim',
      proof: { kind: 'cram', digest: 'md5', challenge: '<1896.697170952@postoffice.reston.mci.net>', response: 'b913a602c7eda7a495b4e6e7334d3890' },
    });
  });

  it('CRAM with a blank in the login: the last word is the digest', () => {
    const step = talk('CRAM-SHA256', null, base64(`tim smith ${'AB'.repeat(32)}`));
    assert.equal(step.kind === 'proof' && step.login, 'tim smith');
  });

  const opening = base64('n,,n=user,r=rOprNGfwEbeRWgbNEkqO');
  const nonce = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';

  it('SCRAM-SHA-256 as RFC 7677 §3 has it', () => {
    const exchange = createExchange('SCRAM-SHA-256', setting);
    assert.deepEqual(exchange.begin(opening), { kind: 'salt', login: 'user', digest: 'sha256' });
    const first = exchange.salted!(Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'), 4096);
    assert.deepEqual(first, { kind: 'challenge', text: base64(`r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`) });
    const proof = 'dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=';
    assert.deepEqual(exchange.answer(base64(`c=biws,r=${nonce},p=${proof}`)), {
      kind: 'proof', login: 'user',
      proof: { kind: 'scram', digest: 'sha256', message: `n=user,r=rOprNGfwEbeRWgbNEkqO,r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=${nonce}`, proof: Buffer.from(proof, 'base64') },
    });
    assert.deepEqual(exchange.accepted!(Buffer.from('6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=', 'base64')), { kind: 'challenge', text: base64('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=') });
    assert.deepEqual(exchange.answer(''), { kind: 'done' });
  });

  it('SCRAM names with a comma and an equals sign', () => {
    assert.deepEqual(talk('SCRAM-SHA-1', base64('y,a=a=2Cb=3D,n=a=2Cb=3D,r=abc')), { kind: 'salt', login: 'a,b=', digest: 'sha1' });
  });

  it('EXTERNAL is who the certificate says', () => {
    for (const initial of ['=', base64('tim@here.example')]) assert.deepEqual(talk('EXTERNAL', initial), { kind: 'identity', login: 'tim@here.example' });
    assert.deepEqual(talk('EXTERNAL', null, ''), { kind: 'identity', login: 'tim@here.example' });
    assert.equal(talk('EXTERNAL', base64('root@here.example')).kind, 'hopeless');
  });

  it('tokens in both forms', () => {
    const token = { kind: 'proof', login: 'tim@here.example', proof: { kind: 'token', token: 'ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg==' } };
    assert.deepEqual(talk('XOAUTH2', base64('user=tim@here.example\x01auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg==\x01\x01')), token);
    assert.deepEqual(talk('OAUTHBEARER', base64('n,a=tim@here.example,\x01host=server.example.com\x01port=143\x01auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg==\x01\x01')), token);
  });

  const refused: [string, Mechanism, string | null, string[], Step['kind']][] = [
    ['not base64', 'PLAIN', 'a b c', [], 'malformed'],
    ['base64 cut short', 'PLAIN', 'AHRpbQBwd', [], 'malformed'],
    ['an empty initial response', 'PLAIN', '=', [], 'malformed'],
    ['two words', 'PLAIN', base64('tim\0pw'), [], 'malformed'],
    ['four words', 'PLAIN', base64('\0tim\0pw\0'), [], 'malformed'],
    ['not UTF-8', 'PLAIN', base64(Buffer.from([0, 0xff, 0, 0x61])), [], 'malformed'],
    ['somebody else', 'PLAIN', base64('root\0tim\0pw'), [], 'hopeless'],
    ['no password', 'PLAIN', base64('\0tim\0'), [], 'hopeless'],
    ['no login', 'PLAIN', base64('\0\0pw'), [], 'hopeless'],
    ['a login too long', 'PLAIN', base64(`\0${'x'.repeat(2000)}\0pw`), [], 'malformed'],
    ['no password', 'LOGIN', base64('tim'), [''], 'hopeless'],
    ['no login', 'LOGIN', '=', [base64('pw')], 'hopeless'],
    ['NUL', 'LOGIN', base64('t\0m'), [], 'malformed'],
    ['an initial response', 'CRAM-MD5', base64('tim'), [], 'malformed'],
    ['a digest too short', 'CRAM-MD5', null, [base64('tim abc')], 'malformed'],
    ['no login', 'CRAM-MD5', null, [base64(` ${'a'.repeat(32)}`)], 'malformed'],
    ['no base64', 'CRAM-MD5', null, ['*'], 'malformed'],
    ['no nonce', 'SCRAM-SHA-1', base64('n,,n=tim,r='), [], 'malformed'],
    ['no user', 'SCRAM-SHA-1', base64('n,,n=,r=abc'), [], 'malformed'],
    ['a bare equals sign in the user', 'SCRAM-SHA-1', base64('n,,n=a=b,r=abc'), [], 'malformed'],
    ['an extension nobody may ignore', 'SCRAM-SHA-1', base64('n,,m=x,n=tim,r=abc'), [], 'malformed'],
    ['binding', 'SCRAM-SHA-1', base64('p=tls-exporter,,n=tim,r=abc'), [], 'malformed'],
    ['no binding', 'SCRAM-SHA-1-PLUS', base64('n,,n=tim,r=abc'), [], 'malformed'],
    ['somebody else', 'SCRAM-SHA-256', base64('n,a=root,n=tim,r=abc'), [], 'hopeless'],
    ['another nonce', 'SCRAM-SHA-256', opening, [base64('c=biws,r=rOprNGfwEbeRWgbNEkqO,p=AAAA')], 'hopeless'],
    ['another header', 'SCRAM-SHA-256', opening, [base64(`c=eSws,r=${nonce},p=AAAA`)], 'hopeless'],
    ['no proof', 'SCRAM-SHA-256', opening, [base64(`c=biws,r=${nonce}`)], 'malformed'],
    ['a proof that is no base64', 'SCRAM-SHA-256', opening, [base64(`c=biws,r=${nonce},p=A`)], 'malformed'],
    ['binding of a kind that is not had', 'SCRAM-SHA-256-PLUS', base64('p=tls-unique,,n=user,r=rOprNGfwEbeRWgbNEkqO'), [base64(`c=cD10bHMtdW5pcXVlLCw=,r=${nonce},p=AAAA`)], 'hopeless'],
    ['another scheme', 'XOAUTH2', base64('user=tim\x01auth=Basic abc\x01\x01'), [], 'malformed'],
    ['a cut end', 'XOAUTH2', base64('user=tim\x01auth=Bearer abc\x01'), [], 'malformed'],
    ['octets no token has', 'XOAUTH2', base64('user=tim\x01auth=Bearer a\r\nb\x01\x01'), [], 'malformed'],
    ['no login', 'XOAUTH2', base64('user=\x01auth=Bearer abc\x01\x01'), [], 'hopeless'],
    ['two tokens', 'OAUTHBEARER', base64('n,a=tim,\x01auth=Bearer a\x01auth=Bearer b\x01\x01'), [], 'malformed'],
    ['no token', 'OAUTHBEARER', base64('n,a=tim,\x01host=x\x01\x01'), [], 'malformed'],
  ];
  for (const [name, mechanism, initial, lines, kind] of refused) {
    it(`${mechanism}: ${name} is ${kind}`, () => assert.equal(talk(mechanism, initial, ...lines).kind, kind));
  }

  it('never throws, whatever is said', () => {
    const line = fc.oneof(fc.string(), fc.base64String(), fc.string().map(base64), fc.array(fc.string(), { maxLength: 4 }).map(words => base64(words.join('\0'))));
    fc.assert(fc.property(fc.constantFrom(...mechanisms), fc.option(line), fc.array(line, { maxLength: 3 }), (mechanism, initial, lines) => {
      const exchange = createExchange(mechanism, setting);
      let step = exchange.begin(initial);
      for (const said of lines) {
        if (step.kind === 'salt') step = exchange.salted!(Buffer.from('salt'), 4096);
        if (step.kind !== 'challenge') break;
        step = exchange.answer(said);
      }
      if (step.kind === 'proof') assert.doesNotMatch(step.login, /\0/);
    }), { numRuns: 1000 });
  });
});
