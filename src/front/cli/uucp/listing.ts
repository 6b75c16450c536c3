/** One neighbour for people: what waits for it, and when it last called. */
import type { NeighborListing } from '../command.ts';
import { formatSize, formatWhen } from '../figures.ts';

export function formatNeighbor({ node, jobs, waiting, lastCall }: NeighborListing): string {
  const lines = [`${node}: ${lastCall === undefined ? 'never called' : `last call ${formatWhen(lastCall.at)}, ${lastCall.said}`}`];
  if (waiting.messages > 0) {
    lines.push(`  ${waiting.messages} ${waiting.messages === 1 ? 'message waits' : 'messages wait'} for a batch (${formatSize(waiting.octets)}${waiting.oldestAt === null ? '' : `, since ${formatWhen(waiting.oldestAt)}`})`);
    for (const name of waiting.names) lines.push(`    ${name}`);
  }
  for (const { id, at, what, octets } of jobs) lines.push(`  ${formatSize(octets).padStart(8)}  ${id}  ${formatWhen(at)}`, `            ${what.slice(0, 200)}`);
  if (jobs.length === 0 && waiting.messages === 0) lines.push('  nothing waits');
  return lines.join('\n');
}
