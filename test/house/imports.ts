/** A small reader of import and export-from statements. Needs no compiler: strings and comments are skipped first. */
export interface Import {
  readonly specifier: string;
  readonly line: number;
  readonly typeOnly: boolean;
}

const STATEMENT = /(?:^|[;}\n])\s*(import|export)\b(?<clause>[^'"();]*?)\bfrom\s*["'](?<from>[^"']+)["']|(?:^|[;}\n])\s*import\s*["'](?<bare>[^"']+)["']|\bimport\s*\(\s*["'](?<dynamic>[^"']+)["']/g;

export function readImports(source: string): Import[] {
  const code = withoutComments(source);
  const found: Import[] = [];
  for (const match of code.matchAll(STATEMENT)) {
    const groups = match.groups ?? {};
    const specifier = groups['from'] ?? groups['bare'] ?? groups['dynamic'];
    if (specifier === undefined) continue;
    const line = code.slice(0, match.index + match[0].length).split('\n').length;
    found.push({ specifier, line, typeOnly: /^\s*type\b/.test(groups['clause'] ?? '') });
  }
  return found;
}

/** Comments become blanks; strings stay, so that a specifier is still there and `//` in a string does no harm. */
function withoutComments(source: string): string {
  return source.replaceAll(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`/g, text =>
    text.startsWith('/') ? text.replaceAll(/[^\n]/g, ' ') : text);
}
