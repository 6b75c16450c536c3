/** Filters that are ES modules: what they may answer, and that their worst does no harm. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Log } from '../../../src/core/log.ts';
import { openModuleFilter } from '../../../src/flow/filter/module-filter.ts';
import { createSystemClock } from '../../../src/kit/system-clock.ts';
import { inspected } from '../../props/inspected.ts';
import { scratchFor } from '../../props/scratch.ts';
import { createWatch, eventually } from '../../props/within.ts';

function moduleFilter(t: TestContext, code: string) {
  const path = join(scratchFor(t, 'module'), 'mine.mjs');
  writeFileSync(path, code);
  const said: string[] = [];
  const watch = createWatch();
  const hear = (_event: string, fields: Readonly<Record<string, unknown>> = {}) => {
    said.push(String(fields['said'] ?? fields['what']));
    watch.happened();
  };
  const log: Log = { info: hear, warn: hear, error: hear };
  const opened = openModuleFilter({ name: 'mine', path, whenAbsent: 'defer', clock: createSystemClock(), log });
  t.after(() => opened.close());
  return { ...opened, said, heard: (what: string) => watch.until(20_000, what, () => said.includes(what)) };
}

const never = new AbortController().signal;

test('what a module may answer, and what makes it absent', { timeout: 60_000 }, async t => {
  const { filter } = moduleFilter(t, `
    export default async message => {
      const subject = message.headers.find(({ name }) => name === 'subject').value;
      if (subject === 'echo') return { action: 'reject', text: JSON.stringify([message.from, message.recipients, message.remoteAddress, message.source, message.headers.map(one => one.name), Buffer.from(message.content).toString().length, message.sizeOctets, message.truncated]) };
      if (subject === 'throw') throw new Error('out of luck');
      return { nothing: undefined, code: { action: 'reject', code: 571, text: '5.7.2 Go away' }, later: { action: 'defer' }, aside: { action: 'quarantine', text: 'odd' },
        fields: { addHeaders: [['X-A', '1']], setHeaders: { Subject: 'new', 'X-Old': null }, final: true },
        one: { recipients: { 'carol@there.example': { action: 'reject' } } },
        wrongcode: { action: 'reject', code: 250 }, wrongaction: { action: 'eat' }, wrongfield: { addHeaders: [['X A', '1']] }, text: 'yes', list: [] }[subject];
    };`);
  const ask = async (subject: string) => {
    const answer = await filter.inspect(inspected({ text: `Subject: ${subject}\r\n\r\nbody\r\n`, to: ['bob@there.example', 'carol@there.example'] }), never);
    if (answer.kind === 'absent') return `absent: ${answer.why}`;
    const verdicts = [...answer.verdicts].map(([id, verdict]) => `${id} ${verdict.kind === 'refused' ? `${verdict.reply} ${verdict.status} ${verdict.text}` : verdict.kind}`);
    return [...verdicts, ...answer.addFields.map(({ name, value }) => `+${name}: ${value}`), ...(answer.changes ?? []).slice(0, 2).map(change => (change.kind === 'field' ? `${change.name}=${change.value}` : change.kind)), ...(answer.final === true ? ['final'] : [])].join('; ');
  };
  assert.equal(await ask('nothing'), '');
  assert.equal(await ask('code'), '0 571 5.7.2 Go away; 1 571 5.7.2 Go away');
  assert.equal(await ask('later'), '0 451 4.7.1 Message not taken now, please try again later; 1 451 4.7.1 Message not taken now, please try again later');
  assert.equal(await ask('aside'), '0 quarantine; 1 quarantine');
  assert.equal(await ask('fields'), '+X-A: 1; Subject=new; X-Old=null; final');
  assert.equal(await ask('one'), '1 554 5.7.1 Message refused');
  assert.match(await ask('echo'), /^0 554 5\.7\.1 \["ada@sender\.example",\["bob@there\.example","carol@there\.example"\],"192\.0\.2\.9","esmtp",\["received","subject"\],(\d+),\1,false\]/);
  assert.equal(await ask('throw'), 'absent: out of luck');
  for (const wrong of ['wrongcode', 'wrongaction', 'wrongfield', 'text', 'list']) assert.match(await ask(wrong), /^absent: /, wrong);
});

test('one that hangs is ended and started again; one that only waits is left alone', { timeout: 60_000 }, async t => {
  const { filter, heard, said } = moduleFilter(t, `
    export const inspect = message => {
      const { value } = message.headers.find(({ name }) => name === 'subject');
      if (value === 'loop') for (;;);
      if (value === 'wait') return new Promise(() => {});
    };`);
  assert.equal((await filter.inspect(inspected(), never)).kind, 'looked');
  const limited = (subject: string) => filter.inspect(inspected({ text: `Subject: ${subject}\r\n\r\n` }), AbortSignal.timeout(100));
  assert.equal((await limited('wait')).kind, 'absent');
  assert.equal((await filter.inspect(inspected(), never)).kind, 'looked', 'others go on');
  assert.equal((await limited('loop')).kind, 'absent');
  await heard('stuck, ended');
  await heard('ended by itself');
  assert.equal(said.filter(what => what === 'stuck, ended').length, 1);
  await eventually(20_000, 'the module to be there again', async () => (await filter.inspect(inspected(), never)).kind === 'looked');
});

test('large messages take turns, so that no more than so many octets are shown at once', { timeout: 60_000 }, async t => {
  const { filter } = moduleFilter(t, `
    let now = 0, most = 0;
    export default async message => {
      if (message.sizeOctets < 1000) return { addHeaders: [['X-Most', String(most)]] };
      most = Math.max(most, ++now);
      await new Promise(resolve => setTimeout(resolve, 20));
      now--;
    };`);
  const large = inspected({ text: `Subject: x\r\n\r\n${'A line of text.\r\n'.repeat(1_300_000)}` });
  assert.ok(large.facts.sizeOctets > 16 * 1024 * 1024);
  const answers = await Promise.all(Array.from({ length: 7 }, () => filter.inspect(large, never)));
  assert.ok(answers.every(({ kind }) => kind === 'looked'));
  const small = await filter.inspect(inspected(), never);
  assert.ok(small.kind === 'looked' && Number(small.addFields[0]?.value) <= 4, JSON.stringify(small));
  const waiting = [filter.inspect(large, never), filter.inspect(large, never), filter.inspect(large, never), filter.inspect(large, never)];
  const late = new AbortController();
  const given = filter.inspect(large, late.signal);
  late.abort();
  await assert.rejects(given, 'who is given up waits no longer');
  await Promise.all(waiting);
  assert.equal((await filter.inspect(large, never)).kind, 'looked', 'and leaves no trace');
});

test('one that eats memory, ends itself or cannot be loaded is absent, and the gateway lives', { timeout: 60_000 }, async t => {
  const eater = moduleFilter(t, 'export default () => { const all = []; for (;;) all.push(new Array(100000).fill(all.length)); };');
  const answer = await eater.filter.inspect(inspected(), never);
  assert.ok(answer.kind === 'absent');
  assert.match(answer.why, /memory/);
  const quitter = moduleFilter(t, 'export default () => process.exit(3);');
  assert.equal((await quitter.filter.inspect(inspected(), never)).kind, 'absent');
  const broken = moduleFilter(t, 'this is no module');
  assert.equal((await broken.filter.inspect(inspected(), never)).kind, 'absent');
  const empty = moduleFilter(t, 'export const other = 1;');
  assert.equal((await empty.filter.inspect(inspected(), never)).kind, 'absent');
});
