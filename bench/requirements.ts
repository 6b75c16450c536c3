/** What must hold, and what is aimed at. A promise that no sample spoke to is left open, not kept. */
import { answerOf, type Answer } from './results.ts';

export interface Requirement {
  readonly what: string;
  readonly kind: 'must' | 'aim';
  /** Undefined: not asked in this run. */
  readonly found: (answers: readonly Answer[]) => number | undefined;
  readonly bound: { readonly atLeast: number } | { readonly atMost: number };
  readonly unit: string;
}

export interface Judgement {
  readonly what: string;
  readonly kind: Requirement['kind'];
  readonly verdict: 'holds' | 'broken' | 'open';
  readonly found?: number;
  readonly wanted: string;
  readonly unit: string;
}

const us = 'posthorn';

function timesPostfix(name: string, atLeast: number, kind: Requirement['kind'] = 'must'): Requirement {
  return { what: `${name}: times Postfix`, kind, unit: '×', bound: { atLeast }, found: (answers) => ratio(answers, name, 'postfix') };
}
function timesBest(name: string, atLeast: number): Requirement {
  return {
    what: `${name}: times the best peer`, kind: 'aim', unit: '×', bound: { atLeast },
    found: (answers) => {
      const others = Object.keys(answers.find((one) => one.name === name)?.samples ?? {}).filter((peer) => peer !== us && !peer.startsWith('floor'));
      const ratios = others.map((peer) => ratio(answers, name, peer) ?? Number.NaN).filter((one) => !Number.isNaN(one));
      return ratios.length === 0 ? undefined : Math.min(...ratios);
    },
  };
}
function ratio(answers: readonly Answer[], name: string, peer: string): number | undefined {
  const [ours, theirs] = [answerOf(answers, name, us), answerOf(answers, name, peer)];
  return ours === undefined || theirs === undefined ? undefined : ours / theirs;
}
function atMost(name: string, unit: string, bound: number, kind: Requirement['kind'] = 'must'): Requirement {
  return { what: name, kind, unit, bound: { atMost: bound }, found: (answers) => answerOf(answers, name, us) };
}

/** The same question, put to Posthorn in another way. */
function timesOwn(name: string, other: string, atLeast: number): Requirement {
  return {
    what: `${other}: times one`, kind: 'aim', unit: '×', bound: { atLeast },
    found: (answers) => {
      const [one, two] = [answerOf(answers, name, us), answerOf(answers, other, us)];
      return one === undefined || two === undefined ? undefined : two / one;
    },
  };
}

function shareOfFloor(name: string, atLeast: number): Requirement {
  return { what: `${name}: share of what bare net reads`, kind: 'aim', unit: '×', bound: { atLeast }, found: (answers) => ratio(answers, name, 'floor: net') };
}

export const requirements: readonly Requirement[] = [
  timesPostfix('relay 4K, 10 sessions', 3),
  timesPostfix('relay 100K, 10 sessions', 2),
  timesPostfix('relay 4K, new connection each', 1.5),
  timesPostfix('accept 4K, 10 sessions', 3),
  atMost('start to the first 220', 'ms', 600),
  atMost('memory idle', 'MiB', 80),
  atMost('memory: what 99,000 more messages cost', 'MiB', 30),
  atMost('25 MB in 10 sessions, highest', 'MiB', 200),
  atMost('memory: what 1000 idle connections cost', 'MiB', 60),
  atMost('wait for the greeting beside 200 slow clients', '×', 2),
  atMost('wait for the message beside 200 slow clients', '×', 2),
  timesBest('relay 4K, 1 session', 1.5),
  timesBest('relay 4K, 10 sessions', 6),
  timesBest('relay 4K, 50 sessions', 10),
  timesBest('relay 4K, new connection each', 3),
  timesBest('relay 100K, 10 sessions', 3.5),
  timesBest('accept 4K, 10 sessions', 3.5),
  timesBest('accept 4K, 50 sessions', 4),
  timesOwn('accept 4K, 50 sessions', 'accept 4K, 50 sessions, 2 receivers', 1.5),
  shareOfFloor('25 MB of plain lines', 0.6),
  shareOfFloor('25 MB, each line dotted', 0.3),
  atMost('CPU for 1000 relayed 4K messages', 's', 0.4, 'aim'),
  atMost('memory while relaying, highest', 'MiB', 180, 'aim'),
  { ...timesPostfix('final dot to 250, p50', 1, 'aim'), bound: { atMost: 1 } },
  { ...timesPostfix('final dot to 250, p99', 1, 'aim'), bound: { atMost: 1 } },
];

export function judge(answers: readonly Answer[]): readonly Judgement[] {
  return requirements.map(({ what, kind, found, bound, unit }) => {
    const value = found(answers);
    const wanted = 'atLeast' in bound ? `at least ${bound.atLeast}` : `at most ${bound.atMost}`;
    if (value === undefined || Number.isNaN(value)) return { what, kind, verdict: 'open', wanted, unit };
    const holds = 'atLeast' in bound ? value >= bound.atLeast : value <= bound.atMost;
    return { what, kind, verdict: holds ? 'holds' : 'broken', found: value, wanted, unit };
  });
}
