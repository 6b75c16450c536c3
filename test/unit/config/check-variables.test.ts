/** A slip of the finger in a switch of the defences is an error with a right example, not a defence that is off. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCheckVariables } from '../../../src/grammar/config/check-variables.ts';

const problems = (name: string, value: string) => {
  const parsed = parseCheckVariables(new Map([[name, value]]));
  return parsed.kind === 'read' ? [] : parsed.problems.map(({ right }) => right);
};

test('words that mean something pass, in any case, parted by commas or blanks', () => {
  const good: readonly [string, string][] = [
    ['BOFHSPFMAILFROM', 'pass,none, SoftFail unknown'], ['BOFHSPFHELO', 'off'], ['BOFHSPFHELO', ''], ['BOFHSPFFROM', 'all,mailfromok'], ['BOFHSPFHARDERROR', 'fail,error'],
    ['DMARC', 'honour'], ['DMARC', ''], ['BOFHCHECKHELO', '2'], ['BOFHDSNREFUSED', '3d'], ['BOFHDSNREFUSED', ''], ['BOFHDSNREFUSED', '0'], ['GREYLIST', '1'],
    ['BLACKLISTS', "-allow=a.example,BLOCK,, -block=b.example,BLOCK,'No, @'"], ['DROP', '-drop'], ['ANYTHING', 'else'],
  ];
  for (const [name, value] of good) assert.deepEqual(problems(name, value), [], `${name}=${value}`);
});

test('others are problems, and say what would be right', () => {
  const bad: readonly [string, string, RegExp][] = [
    ['BOFHSPFMAILFROM', 'pass,softfial', /^BOFHSPFMAILFROM=softfail$/], ['BOFHSPFMAILFROM', 'mailfromok', /^BOFHSPFMAILFROM=/], ['DMARC', 'quarantine', /^DMARC=record$/], ['BOFHCHECKHELO', 'yes', /^BOFHCHECKHELO=/],
    ['BOFHCHECKDNS', 'no', /^BOFHCHECKDNS=1$/], ['GREYLIST', '2', /^GREYLIST=1$/], ['BOFHDSNREFUSED', 'soon', /^BOFHDSNREFUSED=1d$/], ['BLACKLISTS', 'zen.example.org', /^BLACKLISTS='-block=/], ['DROP', '-drop=no', /^DROP='-drop/],
  ];
  for (const [name, value, right] of bad) {
    const found = problems(name, value);
    assert.equal(found.length, 1, `${name}=${value}`);
    assert.match(found[0] ?? '', right);
  }
});
