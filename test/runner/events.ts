/** What a test file says to the runner: a line of JSON for each test. node's reporters call it by `--test-reporter`. */
import { inspect } from 'node:util';

export type TestEvent =
  | { readonly type: 'started' | 'ended'; readonly name: string; readonly nesting: number }
  | { readonly type: 'passed'; readonly name: string }
  | { readonly type: 'skipped'; readonly name: string; readonly why: string }
  | { readonly type: 'failed'; readonly name: string; readonly cause: string };

/** One event of node's stream, as far as it is read here; see node's manual, `TestsStream`. */
interface NodeEvent {
  readonly type: string;
  readonly data: {
    readonly name?: string;
    readonly nesting?: number;
    readonly skip?: string | boolean;
    readonly details?: { readonly type?: string; readonly error?: unknown };
  };
}

export default async function* reporter(source: AsyncIterable<NodeEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    const read = readEvent(event);
    if (read !== undefined) yield `${JSON.stringify(read)}\n`;
  }
}

function readEvent({ type, data: { name = '', nesting = 0, skip, details } }: NodeEvent): TestEvent | undefined {
  switch (type) {
    case 'test:dequeue':
      return { type: 'started', name, nesting };
    case 'test:complete':
      return { type: 'ended', name, nesting };
    case 'test:pass':
      if (details?.type === 'suite') return undefined;
      return skip === undefined || skip === false ? { type: 'passed', name } : { type: 'skipped', name, why: typeof skip === 'string' ? skip : '' };
    case 'test:fail': {
      // A suite fails because a test in it did; that test has said so already.
      const cause = details?.type === 'suite' ? undefined : causeOf(details?.error);
      return cause === undefined ? undefined : { type: 'failed', name, cause };
    }
    default:
      return undefined;
  }
}

function causeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return inspect(error);
  const { failureType, cause } = error as Error & { failureType?: string };
  if (failureType === 'subtestsFailed') return undefined;
  return cause instanceof Error ? withCauses(cause) : cause === undefined ? error.message : inspect(cause);
}

/** A property's counterexample and what it did are two errors, one inside the other. */
function withCauses(error: Error): string {
  const own = error.stack ?? error.message;
  return error.cause instanceof Error ? `${own}\ncaused by ${withCauses(error.cause)}` : own;
}
