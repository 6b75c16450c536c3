/**
 * Whole messages through the converter, file in and file out, both ways: test/corpus and the nasty ones in in/.
 * `UPDATE_GOLDEN=1 node --test test/golden/conversion/*.test.ts` writes the files anew; then read the difference.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { simpleParser } from 'mailparser';
import type { ParsedMail } from 'mailparser';
import { openConversion } from '../../../src/grammar/mime/convert.ts';
import type { ConversionResult } from '../../../src/grammar/mime/convert.ts';
import { openKernels } from '../../../src/kit/wasm/kernels.ts';
import type { AllKernels } from '../../../src/kit/wasm/kernels.ts';
import { readCorpus } from '../../props/corpus.ts';
import { slowFacts } from '../../props/slow-kernels.ts';

const here = new URL('.', import.meta.url);
const nasty = readdirSync(new URL('in/', here)).map(file => ({
  name: file.replace(/\.eml$/, ''), content: readFileSync(new URL(`in/${file}`, here)),
}));
const letters = [...readCorpus(), ...nasty];
const builds = (['simd', 'relaxed', 'scalar'] as const).map(build => openKernels({ build }));

function convert(kernels: AllKernels, content: Buffer, to: '7bit' | '8bit', step: number): { output: Buffer; result: ConversionResult } {
  const conversion = openConversion({ to, kernels, malformed: 'accept' });
  const found: Buffer[] = [];
  for (let at = 0; at < content.length; at += step) found.push(...conversion.feed(content.subarray(at, at + step)).map(octets => Buffer.from(octets)));
  const { output, result } = conversion.finish();
  return { output: Buffer.concat([...found, ...output]), result };
}

for (const { name, content } of letters) {
  for (const to of ['7bit', '8bit'] as const) {
    test(`${name} to ${to}`, () => {
      const file = new URL(`${to}/${name}.eml`, here);
      const { output, result } = convert(builds[0]!, content, to, content.length + 1);
      if (process.env['UPDATE_GOLDEN'] !== undefined) writeFileSync(file, output);
      assert.equal(output.toString('latin1'), readFileSync(file).toString('latin1'));
      for (const kernels of builds) {
        for (const step of [1, 61]) {
          const cut = convert(kernels, content, to, step);
          assert.ok(cut.output.equals(output), `${kernels.build}, ${step} octets at a time`);
          assert.deepEqual(cut.result, result);
        }
      }
      // What the result says of the output is true, headers apart.
      if (to === '7bit' && !result.left.has8bit && !result.header8bit) assert.equal(slowFacts(output).has8bit, false);
      if (result.kind === 'unchanged') assert.ok(output.equals(content));
    });
  }

  test(`others read the same in ${name} before and after`, async () => {
    const before = await simpleParser(content);
    const after = await simpleParser(readFileSync(new URL(`7bit/${name}.eml`, here)));
    assert.equal(after.subject, before.subject);
    assert.deepEqual(attached(after), attached(before));
  });
}

/** Attached messages are converted from the inside, so their octets are not the same. */
function attached(mail: ParsedMail): readonly Buffer[] {
  return mail.attachments.filter(({ contentType }) => contentType !== 'message/rfc822').map(({ content }) => content);
}
