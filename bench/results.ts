/** What a run of the bench leaves behind: samples by question and peer, in one JSON file that bench/compare reads. */
import { readFileSync } from 'node:fs';
import { median } from './statistics.ts';

export interface Question {
  /** `relay 4K, 10 sessions` */
  readonly name: string;
  readonly unit: string;
  readonly better: 'more' | 'less';
}

export interface Answer extends Question {
  readonly samples: Readonly<Record<string, readonly number[]>>;
}

export interface Results {
  readonly version: 1;
  readonly at: string;
  readonly box: { readonly node: string; readonly cpus: number; readonly model: string };
  readonly quick: boolean;
  readonly answers: readonly Answer[];
}

export interface Notebook {
  note(question: Question, peer: string, sample: number): void;
  answers(): readonly Answer[];
}

export function createNotebook(): Notebook {
  const pages = new Map<string, { readonly question: Question; readonly samples: Map<string, number[]> }>();
  return {
    note(question, peer, sample) {
      const page = pages.get(question.name) ?? { question, samples: new Map<string, number[]>() };
      pages.set(question.name, page);
      page.samples.set(peer, [...(page.samples.get(peer) ?? []), sample]);
    },
    answers: () => [...pages.values()].map(({ question, samples }) => ({ ...question, samples: Object.fromEntries(samples) })),
  };
}

/** The median of what one peer did; undefined when it was not asked. */
export function answerOf(answers: readonly Answer[], name: string, peer: string): number | undefined {
  const samples = answers.find((one) => one.name === name)?.samples[peer];
  return samples === undefined || samples.length === 0 ? undefined : median(samples);
}

export function readResults(path: string): Results {
  const results = JSON.parse(readFileSync(path, 'utf8')) as Results;
  if (results.version !== 1) throw new Error(`${path} is not a result of this bench`);
  return results;
}
