/**
 * `make house`: the import rules D1 to D6, the RFC index (C2), names (N2), and the sizes as questions.
 * Fails on broken rules only; sizes are printed for a person to think about.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { styleText } from 'node:util';
import { readImports, type Import } from './imports.ts';

const root = resolve(import.meta.dirname, '../..');
const FILE_LINES = 400;
const DOOR_LINES = 40;
/** Of the files that lie in one folder together: a sub-folder is a room of its own to whoever reads. */
const FOLDER_LINES = 3000;
const BANNED_WORDS = new Set(['util', 'utils', 'helper', 'helpers', 'manager', 'handler', 'common', 'misc', 'data', 'info', 'process', 'do']);

interface Source {
  readonly path: string; // from the root, with /
  readonly text: string;
  readonly imports: readonly Import[];
}

export interface Broken {
  readonly rule: string;
  readonly where: string;
  readonly what: string;
}

export function readSources(folders: readonly string[], from = root): Source[] {
  return folders.flatMap(folder => existsSync(join(from, folder))
    ? readdirSync(join(from, folder), { recursive: true, encoding: 'utf8' })
      .filter(name => name.endsWith('.ts') && !name.endsWith('.d.ts'))
      .map(name => {
        const text = readFileSync(join(from, folder, name), 'utf8');
        return { path: join(folder, name), text, imports: readImports(text) };
      })
    : []);
}

/** `src/flow/queue/x.ts` → layer flow, room src/flow/queue. */
function place(path: string): { layer: string; room: string } {
  const parts = path.split('/');
  if (parts[0] === 'hardware') return { layer: 'hardware', room: 'hardware' };
  if (path === 'src/configuration.ts') return { layer: 'configuration', room: 'src/configuration' };
  if (parts.length === 2) return { layer: parts[1] === 'main.ts' ? 'main' : 'gateway', room: path };
  const layer = parts[1] as string;
  if (layer === 'configuration') return { layer, room: 'src/configuration' };
  if (layer === 'flow' && parts[2] === 'transport') return { layer, room: parts.slice(0, 4).join('/') };
  return { layer, room: ['flow', 'service', 'front'].includes(layer) ? parts.slice(0, 3).join('/') : `src/${layer}` };
}

/** Layer → layers it may import besides itself. */
const MAY: Readonly<Record<string, readonly string[]>> = {
  core: [],
  kit: ['core'],
  grammar: ['core'],
  configuration: ['core', 'kit', 'grammar'],
  flow: ['core', 'kit', 'grammar'],
  service: ['core', 'kit', 'grammar'],
  front: ['core', 'kit', 'grammar', 'configuration'],
  hardware: ['core', 'kit'],
  gateway: ['core', 'kit', 'grammar', 'configuration', 'flow', 'service', 'front', 'hardware'],
  main: ['core', 'kit', 'grammar', 'configuration', 'front', 'gateway'],
};
/** Pure functions of node that grammar may use. */
const GRAMMAR_NODE = new Set(['node:url', 'node:buffer']);
const KIT_CORE = new Set(['clock', 'log', 'status', 'metrics', 'kernels', 'content', 'intake']);

export function checkImports(sources: readonly Source[]): Broken[] {
  const broken: Broken[] = [];
  const packages = new Map<string, Set<string>>();
  for (const source of sources) {
    const here = place(source.path);
    for (const { specifier, line } of source.imports) {
      const say = (rule: string, what: string) => broken.push({ rule, where: `${source.path}:${line}`, what });
      if (specifier.startsWith('.')) {
        const target = relative(root, resolve(root, dirname(source.path), specifier));
        const there = place(target);
        if (here.room === there.room) {
          if (target.endsWith('/index.ts') && ['flow', 'service', 'front'].includes(here.layer)) say('D1', 'inside a room nobody imports its door');
          continue;
        }
        if (here.layer === there.layer && ['flow', 'service', 'front'].includes(here.layer)) say('D1', `a room imports another room: ${target}`);
        else if (here.layer !== there.layer && !(MAY[here.layer] ?? []).includes(there.layer)) say('D1', `${here.layer} may not import ${there.layer}: ${target}`);
        else if (['flow', 'service', 'front', 'configuration'].includes(there.layer) && target !== `${there.room}/index.ts` && target !== `${there.room}.ts`) say('D1', `a room is imported through its door: ${target}`);
        if (here.layer === 'kit' && there.layer === 'core' && !KIT_CORE.has(target.replace('src/core/', '').replace('.ts', ''))) say('D1', `kit has never heard of ${target}`);
        continue;
      }
      const name = specifier.startsWith('@') ? specifier.split('/').slice(0, 2).join('/') : (specifier.split('/')[0] as string);
      if (specifier.startsWith('node:') || builtinModules.includes(name)) {
        if (here.layer === 'core') say('D1', `core imports nothing, not even ${specifier}`);
        if (here.layer === 'grammar' && !GRAMMAR_NODE.has(specifier)) say('D1', `grammar is pure: ${specifier}`);
        continue;
      }
      if (['core', 'grammar'].includes(here.layer)) say('D1', `${here.layer} imports the package ${name}`);
      packages.set(name, (packages.get(name) ?? new Set()).add(source.path));
    }
  }
  for (const [name, files] of packages) {
    if (files.size > 1) broken.push({ rule: 'D3', where: [...files].join(', '), what: `${name} is imported by more than one file` });
  }
  return [...broken, ...checkCycles(sources), ...checkDoors(sources)];
}

function checkCycles(sources: readonly Source[]): Broken[] {
  const edges = new Map(sources.map(source => [source.path, source.imports.filter(one => one.specifier.startsWith('.'))
    .map(one => relative(root, resolve(root, dirname(source.path), one.specifier)))]));
  const state = new Map<string, 'open' | 'done'>();
  const broken: Broken[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (state.get(path) === 'done') return;
    if (state.get(path) === 'open') {
      broken.push({ rule: 'D2', where: path, what: `import cycle: ${[...trail.slice(trail.indexOf(path)), path].join(' → ')}` });
      return;
    }
    state.set(path, 'open');
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
    state.set(path, 'done');
  };
  for (const path of edges.keys()) visit(path, []);
  return broken;
}

function checkDoors(sources: readonly Source[]): Broken[] {
  const broken: Broken[] = [];
  for (const { path, text } of sources) {
    const lines = text.split('\n').length - 1;
    if (path.endsWith('/index.ts') && lines > DOOR_LINES) broken.push({ rule: 'D1', where: path, what: `a door of ${lines} lines; ${DOOR_LINES} are enough` });
    const name = (path.split('/').pop() as string).replace('.ts', '');
    for (const word of name.split('-')) if (BANNED_WORDS.has(word)) broken.push({ rule: 'N2', where: path, what: `"${word}" names nothing` });
    if (/^(?:let|var) /m.test(text)) broken.push({ rule: 'D4', where: path, what: 'state at module level' });
  }
  return broken;
}

export function checkRfcIndex(sources: readonly Source[], architecture: string): Broken[] {
  const listed = new Set([...architecture.matchAll(/RFC (\d+)/g)].map(match => match[1] as string));
  const broken = new Map<string, Broken>();
  for (const { path, text } of sources) {
    for (const [, number] of text.matchAll(/RFC (\d{3,5})/g)) {
      if (number !== undefined && !listed.has(number)) broken.set(number, { rule: 'C2', where: path, what: `RFC ${number} is cited but not in ARCHITECTURE.md's index` });
    }
  }
  return [...broken.values()];
}

export function sizeReport(sources: readonly Source[]): string[] {
  const lines = (text: string) => text.split('\n').length - 1;
  const folders = new Map<string, number>();
  const layers = new Map<string, number>();
  const questions: string[] = [];
  for (const { path, text } of sources) {
    const { layer } = place(path);
    folders.set(dirname(path), (folders.get(dirname(path)) ?? 0) + lines(text));
    layers.set(layer, (layers.get(layer) ?? 0) + lines(text));
    if (lines(text) > FILE_LINES) questions.push(`${path}: ${lines(text)} lines; are there two words in it?`);
  }
  for (const [folder, count] of folders) if (count > FOLDER_LINES) questions.push(`${folder}: ${count} lines in one folder; is it two rooms?`);
  const table = [...layers].toSorted((a, b) => b[1] - a[1]).map(([layer, count]) => `${layer} ${count}`).join(', ');
  return [`Lines: ${table}`, ...questions];
}

if (import.meta.main) {
  const sources = readSources(['src', 'hardware']);
  const assembly = readSources(['assembly']);
  const outside = assembly.flatMap(({ path, imports }) => imports.filter(one => !one.specifier.startsWith('.'))
    .map(one => ({ rule: 'D1', where: `${path}:${one.line}`, what: `assembly imports itself only: ${one.specifier}` })));
  const architecture = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
  const broken = [...checkImports(sources), ...outside, ...checkRfcIndex([...sources, ...assembly], architecture)];
  for (const line of sizeReport([...sources, ...assembly.map(one => ({ ...one, path: `src/${one.path}` }))])) console.log(line);
  for (const { rule, where, what } of broken) console.log(`${styleText('red', rule)} ${where}: ${what}`);
  console.log(broken.length === 0 ? 'The house stands: no broken rule.' : `${broken.length} broken rules.`);
  process.exitCode = broken.length === 0 ? 0 : 1;
}
