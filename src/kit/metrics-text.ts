/** Metrics of several processes as one page: samples of the same name and labels are added up. */

/** Prometheus' text format 0.0.4 in and out; the first page's order and words stand. */
export function sumMetrics(pages: readonly string[]): string {
  const families = new Map<string, { readonly head: string[]; readonly samples: Map<string, number> }>();
  let family = { head: [] as string[], samples: new Map<string, number>() };
  for (const line of pages.flatMap(page => page.split('\n'))) {
    if (line.startsWith('# HELP ')) {
      const name = line.split(' ', 3)[2] ?? '';
      const known = families.get(name);
      family = known ?? { head: [], samples: new Map() };
      if (known === undefined) families.set(name, family);
    }
    if (line.startsWith('#')) {
      if (!family.head.includes(line)) family.head.push(line);
    } else if (line !== '') {
      const end = line.lastIndexOf(' ');
      const sample = line.slice(0, end);
      family.samples.set(sample, (family.samples.get(sample) ?? 0) + Number(line.slice(end + 1)));
    }
  }
  return [...families.values()].map(({ head, samples }) => `${[...head, ...[...samples].map(([sample, value]) => `${sample} ${value}`)].join('\n')}\n`).join('');
}
