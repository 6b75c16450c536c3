/** The manual's table of commands and the commands' own help say the same. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { runCommandLine } from '../../../src/front/cli/command-line.ts';
import type { Context } from '../../../src/front/cli/command.ts';

async function printed(args: readonly string[]): Promise<{ readonly code: number; readonly text: string }> {
  const stdout = new PassThrough();
  let text = '';
  stdout.on('data', (octets: Buffer) => void (text += octets.toString()));
  const code = await runCommandLine(args, { stdin: new PassThrough(), stdout, stderr: new PassThrough(), environment: {}, version: 'x', rooms: {} as Context['rooms'] });
  await new Promise(setImmediate);
  return { code, text };
}

/** First cells of the table, each piece of code in them. */
function calls(): readonly string[] {
  const page = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'cli.md'), 'utf8');
  const rows = page.split('\n').filter(line => line.startsWith('| `')).map(line => (/^\| (.*?)(?<!\\) \|/.exec(line)?.[1] ?? '').replaceAll('\\|', '|'));
  const table = rows.slice(0, rows.findIndex(row => row.startsWith('`version`')) + 1);
  return table.flatMap(row => [...row.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code));
}

test('every command is in the manual, and the manual has no other; what it says a command takes, its help says', async () => {
  const overview = (await printed(['--help'])).text;
  const names = [...overview.matchAll(/^ {2}([a-z]+) /gm)].map(([, name = '']) => name);
  assert.ok(names.length > 40, overview);
  const told = calls();
  const inManual = new Set(told.map(call => call.split(' ')[0] ?? ''));
  assert.deepEqual(names.filter(name => !inManual.has(name)), [], 'not in docs/cli.md');
  for (const call of told) {
    const [name = '', ...words] = call.split(/[^\w-]+/);
    if (name.startsWith('-') || !names.includes(name)) continue;
    const { code, text } = await printed(['--help', name]);
    assert.equal(code, 0, name);
    for (const option of words.filter(word => /^--?[a-z]/.test(word))) assert.ok(text.includes(option), `${call}: ${option} is not in the help of ${name}`);
  }
});

test('every help says how the command is called and what its exit status means', async () => {
  const names = [...(await printed(['--help'])).text.matchAll(/^ {2}([a-z]+) /gm)].map(([, name = '']) => name);
  for (const name of names) {
    const { code, text } = await printed(['--help', name]);
    assert.equal(code, 0, name);
    assert.match(text, new RegExp(`^Usage: posthorn ${name}\\b`), name);
    if (name !== 'version') assert.match(text, /Exit (status|code)/, `${name}: ${text}`);
  }
});
