import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cleanHelo, parseBdat, parseCommandLine, parseMail, parseRcpt } from '../../../src/grammar/smtp/command.ts';
import { encodeXtext } from '../../../src/grammar/xtext.ts';
import fc from '../../props/fast-check.ts';

describe('command line', () => {
  for (const [line, verb, argument] of [
    ['NOOP', 'NOOP', ''],
    ['noop  x ', 'NOOP', 'x'],
    ['mail FROM:<a@b.example>', 'MAIL', 'FROM:<a@b.example>'],
    [' NOOP', '', 'NOOP'],
    ['', '', ''],
  ] as const) it(JSON.stringify(line), () => assert.deepEqual(parseCommandLine(line), { verb, argument }));

  for (const line of ['NOOP\0', 'NO\rOP', 'NOOP\tx', 'NOOP \u007f', 'NOOP \ufffd']) {
    it(`refuses ${JSON.stringify(line)}`, () => assert.equal(parseCommandLine(line), null));
  }
});

describe('BDAT', () => {
  it('a number, and LAST', () => {
    assert.deepEqual(parseBdat('0'), { kind: 'bdat', octets: 0, last: false });
    assert.deepEqual(parseBdat('1000 last'), { kind: 'bdat', octets: 1000, last: true });
    assert.deepEqual(parseBdat('00000000000000000007  LAST'), { kind: 'bdat', octets: 7, last: true });
    for (const bad of ['', 'LAST', '-1', '+1', '1.5', '1e3', '0x10', '1 2', '1LAST', '1 LAST LAST', '000000000000000000007', '\u0661']) assert.equal(parseBdat(bad).kind, 'bad', bad);
  });
});

describe('MAIL', () => {
  const good: [string, object][] = [
    ['FROM:<a@b.example>', { reversePath: 'a@b.example', parameters: [] }],
    ['FROM:<>', { reversePath: null }],
    ['from:<a@B.Example.>', { reversePath: 'a@b.example' }],
    ['FROM:  <a@b.example>', { reversePath: 'a@b.example' }],
    ['FROM:<@r.example:a@b.example>', { reversePath: 'a@b.example' }],
    ['FROM:<"a > b"@b.example> SIZE=1', { reversePath: '"a > b"@b.example', sizeOctets: 1 }],
    ['FROM:<a@b.example>  SIZE=00012  body=8bitmime', { sizeOctets: 12, body: '8bitmime', parameters: ['SIZE', 'BODY'] }],
    ['FROM:<a@b.example> BODY=7BIT', { body: '7bit' }],
    ['FROM:<jö@b.example> SMTPUTF8', { reversePath: 'jö@b.example', international: true, smtputf8: true }],
    ['FROM:<a@xn--bcher-kva.example>', { reversePath: 'a@bücher.example', international: false }],
    ['FROM:<a@b.example> RET=full ENVID=x+2By', { ret: 'full', envid: 'x+y' }],
    ['FROM:<a@b.example> AUTH=<>', { auth: null }],
    ['FROM:<a@b.example> VERP EXDATA', { verp: true, exdata: true }],
    ['FROM:<a@b.example> SECURITY=StartTLS REQUIRETLS', { security: 'starttls', requireTls: true }],
    ['FROM:<a@b.example> SECURITY=none', { security: undefined, parameters: ['SECURITY'] }],
    ['FROM:<a@b.example> AUTH=e+2Bx@b.example', { auth: 'e+x@b.example' }],
  ];
  for (const [argument, expected] of good) {
    it(argument, () => {
      const command = parseMail(argument);
      assert.equal(command.kind, 'mail');
      for (const [key, value] of Object.entries(expected)) assert.deepEqual(Reflect.get(command, key), value, key);
    });
  }

  const bad: [string, string][] = [
    ['', 'syntax'],
    ['TO:<a@b.example>', 'syntax'],
    ['FROM', 'syntax'],
    ['FROM <a@b.example>', 'syntax'],
    ['FROM:a@b.example', 'badSenderAddress'],
    ['FROM:<a@b.example', 'badSenderAddress'],
    ['FROM:<a@b@c.example>', 'badSenderAddress'],
    ['FROM:<a@b.example>>', 'syntax'],
    ['FROM:<a@b.example>SIZE=1', 'syntax'],
    ['FROM:<a@b.example> SIZE=-1', 'syntax'],
    ['FROM:<a@b.example> SIZE=1e3', 'syntax'],
    ['FROM:<a@b.example> SIZE==1', 'syntax'],
    ['FROM:<a@b.example> -X=1', 'syntax'],
    ['FROM:<a@b.example> X', 'unknownParameter'],
    ['FROM:<a@b.example> BODY', 'syntax'],
    ['FROM:<a@b.example> BODY=BINARY', 'syntax'],
    ['FROM:<a@b.example> RET', 'syntax'],
    ['FROM:<a@b.example> RET=HDRS ret=full', 'syntax'],
    ['FROM:<a@b.example> ENVID', 'syntax'],
    ['FROM:<a@b.example> ENVID=+2b', 'syntax'], // lower-case hexadecimal is not xtext (RFC 3461 §4)
    ['FROM:<a@b.example> ENVID=+00', 'syntax'],
    ['FROM:<a@b.example> AUTH=', 'syntax'],
    ['FROM:<a@b.example> VERP=Courier', 'syntax'],
    ['FROM:<a@b.example> SECURITY', 'syntax'],
    ['FROM:<a@b.example> SECURITY=TLS', 'syntax'],
    ['FROM:<a@b.example> REQUIRETLS=1', 'syntax'],
    ['FROM:<a@b.example> XVERP', 'unknownParameter'],
    ['FROM:<a@b.example> AUTH=a+20b@c', 'syntax'],
    ['FROM:<a@b.example> NOTIFY=NEVER', 'unknownParameter'],
  ];
  for (const [argument, refusal] of bad) {
    it(`refuses ${argument}`, () => {
      const command = parseMail(argument);
      assert.equal(command.kind === 'bad' && command.refusal, refusal);
    });
  }
});

describe('RCPT', () => {
  const good: [string, string, object][] = [
    ['TO:<a@b.example>', 'a@b.example', {}],
    ['TO:<postmaster>', 'postmaster', {}],
    ['TO:<a@b.example> NOTIFY=success,FAILURE,delay,delay', 'a@b.example', { notify: ['success', 'failure', 'delay'] }],
    ['TO:<a@b.example> NOTIFY=Never', 'a@b.example', { notify: 'never' }],
    ['TO:<a@b.example> ORCPT=RFC822;x+20y@z', 'a@b.example', { original: 'rfc822;x y@z' }],
    [String.raw`TO:<a@b.example> ORCPT=utf-8;j\x{F6}rg@z`, 'a@b.example', { original: 'utf-8;jörg@z' }],
    ['TO:<a@b.example> ORCPT=utf-8;jörg@z', 'a@b.example', { original: 'utf-8;jörg@z' }],
  ];
  for (const [argument, recipient, options] of good) {
    it(argument, () => {
      const command = parseRcpt(argument);
      assert.equal(command.kind, 'rcpt');
      if (command.kind === 'rcpt') assert.deepEqual([command.recipient, command.options], [recipient, options]);
    });
  }

  for (const [argument, refusal] of [
    ['TO:<>', 'badRecipientAddress'],
    ['TO:a@b.example', 'badRecipientAddress'],
    ['FROM:<a@b.example>', 'syntax'],
    ['TO:<a@b.example> NOTIFY', 'syntax'],
    ['TO:<a@b.example> NOTIFY=NEVER,DELAY', 'syntax'],
    ['TO:<a@b.example> NOTIFY=,', 'syntax'],
    ['TO:<a@b.example> ORCPT=rfc822', 'syntax'],
    ['TO:<a@b.example> ORCPT=rfc822;', 'syntax'],
    ['TO:<a@b.example> ORCPT=;a', 'syntax'],
    ['TO:<a@b.example> ORCPT=rfc822;jörg@z', 'syntax'],
    ['TO:<a@b.example> ORCPT=rfc822;a+0Ab', 'syntax'],
    ['TO:<a@b.example> ORCPT=x400;/C=no/', 'syntax'], // a bare = is not xtext
    ['TO:<a@b.example> SIZE=1', 'unknownParameter'],
  ] as const) {
    it(`refuses ${argument}`, () => {
      const command = parseRcpt(argument);
      assert.equal(command.kind === 'bad' && command.refusal, refusal);
    });
  }
});

describe('commands, fuzzed', () => {
  const word = fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom('SIZE=1', 'BODY=8BITMIME', 'SMTPUTF8', 'RET=FULL', 'ENVID=x', 'NOTIFY=NEVER', 'ORCPT=rfc822;x', '<a@b.example>', 'FROM:', 'TO:', '<>', '"', '\\', '='));

  it('never throws, and lets no control character into a value', () => {
    fc.assert(fc.property(fc.array(word, { maxLength: 8 }), fc.boolean(), (words, spaced) => {
      const line = parseCommandLine(`MAIL ${words.join(spaced ? ' ' : '')}`);
      if (line === null) return;
      for (const command of [parseMail(line.argument), parseRcpt(line.argument), parseMail(`FROM:${line.argument}`), parseRcpt(`TO:${line.argument}`)]) {
        assert.doesNotMatch(JSON.stringify(command), /\\u00[01]|\\[rnt]/);
      }
    }), { numRuns: 2000 });
  });

  it('reads back any ORCPT and ENVID that was written as xtext', () => {
    const printable = fc.string({ unit: fc.constantFrom(...Array.from(' !"#$%&\'()*+,-./09:;<=>?@AZ[]^_`az{|}~')), minLength: 1, maxLength: 30 });
    fc.assert(fc.property(printable, text => {
      const rcpt = parseRcpt(`TO:<a@b.example> ORCPT=rfc822;${encodeXtext(text)}`);
      assert.equal(rcpt.kind === 'rcpt' && rcpt.options.original, `rfc822;${text}`);
      const mail = parseMail(`FROM:<> ENVID=${encodeXtext(text)}`);
      assert.equal(mail.kind === 'mail' && mail.envid, text);
    }), { numRuns: 500 });
  });

  it('cleans any name given to EHLO', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 400 }), name => {
      const clean = cleanHelo(name);
      assert.ok(clean.length <= 255);
      assert.doesNotMatch(clean, /[\s\u0000-\u001f\u007f()<>]/);
    }));
  });
});
