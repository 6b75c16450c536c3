/** Programs that take mail, and for which domains. */
import { nearestName } from '../../grammar/config/nearest-name.ts';
import { parsePipeRoutes, parsePipes, type PipeRoute, type PipeRule } from '../../grammar/config/ways-out/pipes.ts';
import { shown } from '../../grammar/config/parsed.ts';
import type { Sheet } from '../sheet.ts';
import type { PipeSettings } from './types.ts';

export function readPipes(sheet: Sheet): PipeSettings {
  const rules = sheet.list('pipes', parsePipes) ?? [];
  const routes = sheet.list('piperoutes', parsePipeRoutes) ?? [];
  const names = rules.map(({ name }) => name);
  for (const { line, name } of routes) {
    if (!names.includes(name)) sheet.problem(sheet.path('piperoutes'), line, `there is no ${shown(name)} in pipes`, nearestName(name, names) ?? 'a name that pipes has');
  }
  sheet.setting('pipes', names.join(', '), rules.length > 0 ? 'pipes' : undefined);
  sheet.setting('piperoutes', routes.map(({ domain, name }) => `${domain} → ${name}`).join(', '), routes.length > 0 ? 'piperoutes' : undefined);
  const byDomain = new Map(routes.map((route): [string, PipeRoute] => [route.domain, route]));
  return {
    rules: new Map(rules.map((rule): [string, PipeRule] => [rule.name, rule])),
    find(domain) {
      if (byDomain.size === 0) return undefined;
      const exact = byDomain.get(domain);
      if (exact !== undefined) return exact;
      for (let dot = domain.indexOf('.'); dot >= 0; dot = domain.indexOf('.', dot + 1)) {
        const found = byDomain.get(domain.slice(dot));
        if (found !== undefined) return found;
      }
      return undefined;
    },
  };
}
