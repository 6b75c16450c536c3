import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createExchange, mechanisms, type Mechanism, type Step } from '../../../src/grammar/sasl.ts';

const setting = { service: 'esmtp', challenge: () => '<1896.697170952@postoffice.reston.mci.net>' } as const;
const base64 = (text: string | Buffer) => Buffer.from(text).toString('base64');
const password = (login: string, text: string): Step => ({ kind: 'proof', login, proof: { kind: 'password', password: text, service: 'esmtp' } });

/** The initial response, then lines; the last step counts. */
function talk(mechanism: Mechanism, initial: string | null, ...lines: string[]): Step {
  const exchange = createExchange(mechanism, setting);
  let step = exchange.begin(initial);
  for (const line of lines) step = exchange.answer(line);
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
        if (step.kind !== 'challenge') break;
        step = exchange.answer(said);
      }
      if (step.kind === 'proof') assert.doesNotMatch(step.login, /\0/);
    }), { numRuns: 1000 });
  });
});
