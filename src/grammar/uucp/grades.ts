/**
 * `uucpgrades`: how urgent a job is, by the message's size and Precedence. `GRADE [size=10K] [precedence=bulk,list]`
 * a line; the first whose conditions all hold decides, and none is UUXFLAGS' own `-g`.
 */
import { parseLines } from '../config/control-file.ts';
import { settle, shown, type Parsed, type Problem } from '../config/parsed.ts';
import { parseSize } from '../config/size.ts';
import { isGrade } from './batch-rules.ts';

export interface GradeRule {
  readonly grade: string;
  /** Up to so large. */
  readonly sizeOctets?: number;
  /** Lower case. */
  readonly precedences?: readonly string[];
}

const EXAMPLE = 'A size=10K, or n precedence=bulk,list,junk';

export function parseGrades(text: string): Parsed<readonly GradeRule[]> {
  const problems: Problem[] = [];
  const rules: GradeRule[] = [];
  for (const { line, text: entry } of parseLines(text)) {
    const [grade = '', ...words] = entry.split(/\s+/);
    let rule: GradeRule = { grade };
    if (!isGrade(grade)) problems.push({ line, what: `${shown(grade)} is no grade`, right: EXAMPLE });
    for (const word of words) {
      const [key, value = ''] = word.split('=', 2);
      const size = key === 'size' ? parseSize(value, 'size=10K') : null;
      if (size?.kind === 'read') rule = { ...rule, sizeOctets: size.value };
      else if (key === 'precedence' && /^[a-z,-]+$/i.test(value)) rule = { ...rule, precedences: value.toLowerCase().split(',') };
      else problems.push({ line, what: `${shown(word)} is not understood`, right: EXAMPLE });
    }
    rules.push(rule);
  }
  return settle(rules, problems);
}

/** `header` in latin1. */
export function gradeOf(rules: readonly GradeRule[], sizeOctets: number, header: string): string | undefined {
  if (rules.length === 0) return undefined;
  const precedence = /^precedence[ \t]*:[ \t]*([a-z-]+)/im.exec(header)?.[1]?.toLowerCase() ?? '';
  return rules.find(rule => sizeOctets <= (rule.sizeOctets ?? Number.POSITIVE_INFINITY) && (rule.precedences?.includes(precedence) ?? true))?.grade;
}
