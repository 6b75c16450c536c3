/** Links that come and go: by timetable, by signal, by program; and what is known of them after a crash. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { openLinks, type LinksOptions, type OpenLinks } from '../../../src/flow/link/index.ts';
import { changed, downMsOf, formatRecords, parseRecords, type LinkRecord } from '../../../src/flow/link/link-records.ts';
import { parseLinks, type LinkRule } from '../../../src/grammar/config/ways-out/links.ts';
import { nodeFileSystem, type FileSystem } from '../../../src/kit/file/durable-file.ts';
import fc from '../../props/fast-check.ts';
import { createHandClock, type HandClock } from '../../props/hand-clock.ts';
import { silentMetrics } from '../../props/runner-box.ts';
import { scratchFor } from '../../props/scratch.ts';
import { eventually } from '../../props/within.ts';

const MINUTE = 60_000;
/** Objects as JSON makes them. */
const plain = { noNullPrototype: true } as const;
const HOUR = 60 * MINUTE;

interface Box {
  readonly links: OpenLinks;
  readonly clock: HandClock;
  readonly told: string[];
  readonly errors: string[];
}

interface Wanted {
  readonly folder: string;
  readonly text: string;
  readonly clock?: HandClock;
  readonly run?: LinksOptions['run'];
  readonly files?: FileSystem;
  readonly watched?: boolean;
  readonly rules?: () => readonly LinkRule[];
  readonly came?: (name: string, signal: AbortSignal) => Promise<void>;
}

function rulesOf(text: string): readonly LinkRule[] {
  const read = parseLinks(text);
  assert.ok(read.kind === 'read');
  return read.value;
}

async function boxFor(t: TestContext, { folder, text, clock = createHandClock(), run, files = nodeFileSystem, rules, came, watched = true }: Wanted): Promise<Box> {
  const told: string[] = [];
  const routes = rules === undefined ? [] : ['x.a.example', 'x.b.example'];
  const errors: string[] = [];
  const fixed = rulesOf(text);
  const links = await openLinks({
    rules: rules ?? (() => fixed), folder, files, clock, metrics: silentMetrics,
    log: { info: () => undefined, warn: () => undefined, error: (_, fields) => void errors.push(String(fields?.['why'] ?? fields?.['what'] ?? fields?.['cause'])) },
    run: run ?? (() => Promise.resolve({ kind: 'absent', why: 'nobody asked' })),
  });
  if (watched) links.watch({
    came: async (name, needs, signal) => {
      told.push(`${name} came${routes.filter(nexthop => needs(to(nexthop))).map(nexthop => ` for ${nexthop}`).join('')}`);
      await came?.(name, signal);
    },
    went: name => void told.push(`${name} went`),
  });
  t.after(() => links.close());
  return { links, clock, told, errors };
}

const to = (nexthop: string, transport = 'esmtp') => ({ kind: 'route', transport, nexthop }) as const;

test('by signal: down until somebody says so, up until somebody says so, and both survive', async t => {
  const folder = scratchFor(t, 'links');
  const text = 'dialup .islands.example: signal';
  const first = await boxFor(t, { folder, text });
  assert.equal(first.links.down(to('far.islands.example'))?.name, 'dialup');
  assert.equal(first.links.down(to('near.example')), null);
  assert.equal((await first.links.order('dialup', 'up'))?.state, 'up');
  assert.equal(first.links.down(to('far.islands.example')), null);
  assert.deepEqual(first.told, ['dialup came']);
  assert.equal((await first.links.order('dialup', 'up'))?.state, 'up');
  assert.deepEqual(first.told, ['dialup came'], 'said twice, told once');
  assert.equal(await first.links.order('other', 'up'), null);
  await first.links.close();

  const second = await boxFor(t, { folder, text });
  assert.equal(second.links.down(to('far.islands.example')), null);
  await second.links.order('dialup', 'down');
  assert.deepEqual(second.told, ['dialup went']);
  await second.links.close();
  const third = await boxFor(t, { folder, text });
  assert.equal(third.links.views()[0]?.state, 'down');
});

test('by timetable: up and down on the minute, and mail is told when to look again', async t => {
  const clock = createHandClock();
  const start = new Date(clock.now());
  const at = (ms: number) => new Date(clock.now() + ms).toTimeString().slice(0, 5);
  start.setSeconds(0, 0);
  const box = await boxFor(t, { folder: scratchFor(t, 'links'), text: `satellite *: ${at(2 * HOUR)}-${at(3 * HOUR)}`, clock });
  const opens = start.getTime() + 2 * HOUR;
  assert.equal(box.links.down(to('there.example'))?.until, opens);
  await clock.runTo(opens);
  await eventually(10_000, 'up', () => box.told.length === 1);
  assert.equal(box.links.down(to('there.example')), null);
  assert.equal(box.links.views()[0]?.until, opens + HOUR);
  await eventually(10_000, 'the next change is waited for', () => clock.sleepers > 0);
  await clock.runTo(opens + HOUR);
  await eventually(10_000, 'down', () => box.told.length === 2);
  assert.deepEqual(box.told, ['satellite came', 'satellite went']);
});

test("an operator's word stands over the timetable until it is taken back", async t => {
  const box = await boxFor(t, { folder: scratchFor(t, 'links'), text: 'satellite *: 00:00-24:00' });
  await eventually(10_000, 'up', () => box.told.length === 1);
  assert.deepEqual([(await box.links.order('satellite', 'down'))?.by, box.links.down(to('a.example'))?.until], ['operator', null]);
  assert.deepEqual([(await box.links.order('satellite', 'auto'))?.by, box.links.views()[0]?.state], ['timetable', 'up']);
  assert.deepEqual(box.told, ['satellite came', 'satellite went', 'satellite came']);
});

test('by program: its exit code decides, silence is no yes, and one that cannot be run says nothing', async t => {
  const clock = createHandClock();
  const answers: Awaited<ReturnType<LinksOptions['run']>>[] = [
    { kind: 'exited', code: 0, stdout: 'ppp0 is up\n', stderr: '' },
    { kind: 'absent', why: 'ENOENT' },
    { kind: 'killed', why: 'it took too long' },
    { kind: 'exited', code: 0, stdout: '', stderr: '' },
    { kind: 'exited', code: 3, stdout: '', stderr: 'no carrier' },
  ];
  let asked = 0;
  const seen: string[] = [];
  const box = await boxFor(t, {
    folder: scratchFor(t, 'links'), text: 'lte * every=1m within=5s: /bin/lte --up', clock,
    run: (command, withinMs) => {
      assert.deepEqual([command, withinMs], [['/bin/lte', '--up'], 5000]);
      return Promise.resolve(answers[Math.min(asked++, answers.length - 1)]!);
    },
  });
  for (let n = 1; n <= answers.length; n++) {
    await eventually(10_000, `answer ${n}`, () => asked === n && clock.sleepers > 0);
    const [view] = box.links.views();
    seen.push(`${view?.state}: ${view?.why}`);
    await clock.runTo(clock.now() + MINUTE);
  }
  assert.deepEqual(seen, [
    'up: ppp0 is up', 'up: /bin/lte cannot be run', 'down: /bin/lte did not answer: it took too long', 'up: /bin/lte ended with 0', 'down: no carrier',
  ]);
  assert.deepEqual(box.told, ['lte came', 'lte went', 'lte came', 'lte went']);
  assert.deepEqual(box.errors, ['/bin/lte cannot be run']);
});

test('the plug is pulled while mail is being made due: it is made due again', async t => {
  const folder = scratchFor(t, 'links');
  const text = 'dialup *: signal';
  const first = await boxFor(t, { folder, text, came: (_, signal) => new Promise(resolve => signal.addEventListener('abort', () => resolve())) });
  void first.links.order('dialup', 'up');
  await eventually(10_000, 'told', () => first.told.length === 1);
  await first.links.close();
  const second = await boxFor(t, { folder, text });
  await eventually(10_000, 'told again', () => second.told.length === 1);
  assert.deepEqual(second.told, ['dialup came']);
  assert.equal(second.links.down(to('a.example')), null);
});

test('a word left while no gateway runs is found at the start', async t => {
  const folder = scratchFor(t, 'links');
  const leave = async (word: 'up' | 'down') => {
    const { links } = await boxFor(t, { folder, text: 'dialup *: signal', watched: false });
    await links.order('dialup', word);
    await links.close();
  };
  await leave('up');
  const box = await boxFor(t, { folder, text: 'dialup *: signal' });
  await eventually(10_000, 'up', () => box.links.down(to('a.example')) === null);
  await box.links.close();
  await leave('down');
  const again = await boxFor(t, { folder, text: 'dialup *: signal' });
  await eventually(10_000, 'down', () => again.links.down(to('a.example')) !== null);
});

test('a reload: a link that is gone holds nothing any more, a new one is followed', async t => {
  let text = 'dialup .a.example: signal';
  const box = await boxFor(t, { folder: scratchFor(t, 'links'), text, rules: () => rulesOf(text) });
  assert.notEqual(box.links.down(to('x.a.example')), null);
  text = 'other .b.example: 00:00-24:00';
  await box.links.reload();
  await eventually(10_000, 'told', () => box.told.length === 2);
  assert.deepEqual(box.told, ['dialup came for x.a.example', 'other came for x.b.example']);
  assert.equal(box.links.down(to('x.a.example')), null);
});

test('the first link that fits decides, and one that is up stands in nobody\'s way', async t => {
  const box = await boxFor(t, { folder: scratchFor(t, 'links'), text: 'one .a.example: signal\ntwo *: signal' });
  await box.links.order('two', 'up');
  assert.equal(box.links.down(to('x.a.example'))?.name, 'one');
  assert.equal(box.links.down(to('b.example')), null);
});

test('a disk that takes nothing, and a file that is nonsense: links work on, and it is said', async t => {
  const folder = scratchFor(t, 'links');
  writeFileSync(join(folder, 'links.json'), '{"version":1,"links":{"dialup":{"state":"sideways"}}');
  const full: FileSystem = { ...nodeFileSystem, open: () => Promise.reject(new Error('ENOSPC')) };
  const box = await boxFor(t, { folder, text: 'dialup *: signal', files: full });
  assert.equal((await box.links.order('dialup', 'up'))?.state, 'up');
  assert.ok(box.errors.includes('the links cannot be written down'));
});

test('how long a link was down: between any two moments, also past what is remembered', () => {
  const record: LinkRecord = { state: 'up', changes: [{ at: 100, state: 'down' }, { at: 200, state: 'up' }, { at: 300, state: 'down' }, { at: 450, state: 'up' }] };
  const rows = [[0, 1000, 250], [0, 100, 0], [150, 350, 100], [460, 1000, 0], [310, 320, 10], [0, 150, 50]] as const;
  for (const [from, end, ms] of rows) assert.equal(downMsOf(record, from, end), ms, `${from} to ${end}`);
  assert.equal(downMsOf({ state: 'down', changes: [{ at: 100, state: 'down' }] }, 0, 1000), 900);
  let long: LinkRecord | undefined;
  for (let n = 0; n < 10_000; n++) long = changed(long, n % 2 === 0 ? 'down' : 'up', n);
  assert.equal(long?.changes.length, 4000);
});

test('records are read back as written, and no text breaks the reader', () => {
  const state = fc.constantFrom('up' as const, 'down' as const);
  const record = fc.record({ state, word: fc.option(state, { nil: undefined }), changes: fc.array(fc.record({ at: fc.nat(), state }, plain), { maxLength: 20 }) }, plain)
    .map(({ word, ...rest }): LinkRecord => (word === undefined ? rest : { ...rest, word }));
  fc.assert(fc.property(fc.dictionary(fc.constantFrom('a', 'satellite', 'x.y-z'), record, plain), some => {
    const records = new Map(Object.entries(some));
    assert.deepEqual(parseRecords(formatRecords(records)), records);
  }));
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), text => assert.ok(parseRecords(text) instanceof Map)));
});
