/** Courier's module.* files: how much a way out does at once. */
import { readEnvironment, reviewEnvironment, type Vocabulary } from '../environment.ts';
import type { Sheet } from '../sheet.ts';
import type { ModuleLimits } from './types.ts';

export const moduleVocabulary: Vocabulary = { used: ['MAXDELS', 'MAXHOST', 'MAXRCPT'], idle: ['PROG', 'PRIORITY'] };

const MOST = 10_000;

/** Missing values of a module file count as 1; a missing file has the shipped ones. */
export function readModuleLimits(sheet: Sheet, file: string, shipped: ModuleLimits): ModuleLimits {
  const given = sheet.text(file) !== undefined;
  const environment = readEnvironment(sheet, [file], moduleVocabulary);
  reviewEnvironment(sheet, file, moduleVocabulary);
  const number = (name: string, usual: number): number => {
    const value = environment.number(name, given ? 1 : usual, 1, MOST);
    sheet.setting(`${file}: ${name}`, String(value), given ? file : undefined);
    return value;
  };
  return { deliveries: number('MAXDELS', shipped.deliveries), perNexthop: number('MAXHOST', shipped.perNexthop), recipients: number('MAXRCPT', shipped.recipients) };
}
