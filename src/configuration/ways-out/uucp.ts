/** UUCP: who we are, whom we know, and how mail is handed to uux. */
import { read, shown, wrong } from '../../grammar/config/parsed.ts';
import { parseBatchRules, type BatchRule } from '../../grammar/uucp/batch-rules.ts';
import { parseDomainRoutes } from '../../grammar/uucp/domain-routes.ts';
import { parseGrades } from '../../grammar/uucp/grades.ts';
import { createNeighbors, isNode, isNodePath, parseNeighbors, type Neighbor } from '../../grammar/uucp/neighbors.ts';
import { parsePolls } from '../../grammar/uucp/polls.ts';
import { configurationOf, parseUuxFlags } from '../../grammar/uucp/uux-flags.ts';
import { courierdVocabulary, moduleVocabulary } from './client.ts';
import { filesOf } from '../domains.ts';
import { readEnvironment, reviewEnvironment } from '../environment.ts';
import type { Sheet, ValueRule } from '../sheet.ts';
import type { Domains, Names } from '../types.ts';
import type { UucpSettings } from './types.ts';
import { durationRule } from '../values.ts';

const ALARM_MS = 3 * 86_400_000;
/** Courier's own, where UUXFLAGS is not set at all. */
const SHIPPED_FLAGS = '-j -g C';

export function readUucp(sheet: Sheet, names: Names, domains: Domains): UucpSettings {
  const me = sheet.value('uucpme', names.me.split('.')[0] ?? names.me, nodeRule);
  const neighbors = readNeighbors(sheet);
  const routes = sheet.list('uucpdomains', parseDomainRoutes) ?? [];
  const batches = sheet.list('uucpbatches', parseBatchRules) ?? [];
  const grades = sheet.list('uucpgrades', parseGrades) ?? [];
  const polls = sheet.list('uucppolls', parsePolls) ?? [];
  const known = createNeighbors(neighbors);
  const demandKnown = (file: string, node: string, line?: number): void => {
    if (!known.knows(node.split('!')[0] ?? node)) sheet.problem(sheet.path(file), line, `${shown(node)} is not in uucpneighbors`, `${node} in uucpneighbors`);
  };
  for (const { node, line } of routes) demandKnown('uucpdomains', node, line);
  for (const { node } of batches) demandKnown('uucpbatches', node);
  for (const { node } of polls) demandKnown('uucppolls', node);
  sheet.setting('uucpneighbors', neighbors.map(({ path, reach }) => `${path}${reach === 'only' ? '' : ` ${reach}`}`).join(', '), neighbors.length > 0 ? 'uucpneighbors' : undefined);
  sheet.setting('uucpdomains', routes.map(({ domain, node }) => `${domain} → ${node}`).join(', '), routes.length > 0 ? 'uucpdomains' : undefined);
  sheet.setting('uucpbatches', batches.map(({ node, command, compression }) => `${node} ${command} ${compression}`).join(', '), batches.length > 0 ? 'uucpbatches' : undefined);
  sheet.setting('uucpgrades', grades.map(({ grade }) => grade).join(' '), grades.length > 0 ? 'uucpgrades' : undefined);
  sheet.setting('uucppolls', polls.map(({ node }) => node).join(', '), polls.length > 0 ? 'uucppolls' : undefined);

  const environment = readEnvironment(sheet, ['courierd'], courierdVocabulary);
  const flags = environment.parsed('UUXFLAGS', SHIPPED_FLAGS.split(' '), parseUuxFlags);
  sheet.setting('courierd: UUXFLAGS', flags.join(' '), environment.source('UUXFLAGS'));
  // Its mere existence switches it on, as Courier has it.
  const rewriteHeaders = sheet.text('uucprewriteheaders') !== undefined;
  sheet.setting('uucprewriteheaders', rewriteHeaders ? 'yes' : 'no', rewriteHeaders ? 'uucprewriteheaders' : undefined);
  const configFile = sheet.value('uucpconfig', configurationOf(flags), pathRule('/etc/uucp/config'));
  const programs = sheet.value('uucpprograms', undefined, pathRule('/usr/lib/uucp'));
  return {
    site: {
      me, defaultDomain: names.defaultDomain, neighbors: known, domains: new Map(routes.map(({ domain, node }) => [domain, node])),
      isLocal: domain => domain === names.defaultDomain || domains.locals.has(domain) || domains.hosted.find(domain) !== undefined,
    },
    rewriteHeaders,
    flags,
    ...(configFile === undefined ? {} : { configFile }),
    ...(programs === undefined ? {} : { programs }),
    ...readModule(sheet),
    batches: new Map(batches.map((rule): [string, BatchRule] => [rule.node.toLowerCase(), rule])),
    grades,
    polls,
    alarmMs: sheet.value('uucpalarm', ALARM_MS, durationRule('3d')),
  };
}

/** A file, or a folder of files. */
function readNeighbors(sheet: Sheet): readonly Neighbor[] {
  const all = filesOf(sheet, 'uucpneighbors').flatMap(file => sheet.list(file, parseNeighbors) ?? []);
  const seen = new Set<string>();
  for (const { path } of all) {
    if (seen.has(path.toLowerCase())) sheet.problem(sheet.path('uucpneighbors'), undefined, `a second line for ${path}`, 'one line a neighbour');
    seen.add(path.toLowerCase());
  }
  return all;
}

/** Missing values of a module file count as 1; a missing file has the shipped ones. */
function readModule(sheet: Sheet): Pick<UucpSettings, 'maxDeliveries' | 'maxPerNeighbor' | 'maxRecipients'> {
  const given = sheet.text('module.uucp') !== undefined;
  const environment = readEnvironment(sheet, ['module.uucp'], moduleVocabulary);
  reviewEnvironment(sheet, 'module.uucp', moduleVocabulary);
  const number = (name: string, shipped: number): number => {
    const value = environment.number(name, given ? 1 : shipped, 1, 10_000);
    sheet.setting(`module.uucp: ${name}`, String(value), given ? 'module.uucp' : undefined);
    return value;
  };
  return { maxDeliveries: number('MAXDELS', 4), maxPerNeighbor: number('MAXHOST', 4), maxRecipients: number('MAXRCPT', 16) };
}

const nodeRule: ValueRule<string> = {
  example: 'sitea',
  show: String,
  parse: text => (isNode(text) && isNodePath(text) ? read(text) : wrong(`${shown(text)} is no node's name`, 'sitea')),
};

function pathRule(example: string): ValueRule<string | undefined> {
  return { example, show: value => value ?? 'the system\'s', parse: text => (/^\/[!-~]*$/.test(text) ? read(text) : wrong(`${shown(text)} is no absolute path`, example)) };
}
