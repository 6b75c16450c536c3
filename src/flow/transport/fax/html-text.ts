/**
 * HTML as text that can be read on paper. The only file that knows html-to-text. What is nested too deep for it, or so
 * long that it would keep everybody else waiting, is stripped of its tags by ourselves: worse to look at, nothing lost.
 */
const COLUMNS = 84;
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: '\'', nbsp: ' ', copy: '©', reg: '®', euro: '€', ndash: '–', mdash: '—', hellip: '…' };

export async function readHtml(html: string): Promise<string> {
  if (html.length > CAREFULLY) return stripTags(html);
  try {
    const { convert } = await import('html-to-text');
    return convert(html, {
      wordwrap: COLUMNS,
      selectors: [
        { selector: 'a', options: { hideLinkHrefIfSameAsText: true, linkBrackets: ['<', '>'], ignoreHref: true } },
        { selector: 'img', format: 'skip' },
        { selector: 'table', format: 'dataTable' },
        ...['h1', 'h2', 'h3'].map(selector => ({ selector, options: { uppercase: false } })),
      ],
    });
  } catch {
    // Its recursion ends where the stack ends.
    return stripTags(html);
  }
}

/** A table of a megabyte takes it six seconds, in which nothing else happens. */
const CAREFULLY = 128 * 1024;

export function stripTags(html: string): string {
  const lower = html.toLowerCase();
  let out = '';
  let at = 0;
  while (at < html.length) {
    const open = html.indexOf('<', at);
    out += html.slice(at, open < 0 ? undefined : open);
    if (open < 0) break;
    const name = /^<\/?([a-z][a-z0-9]*)/i.exec(html.slice(open, open + 20))?.[1]?.toLowerCase() ?? '';
    if (name === '' && !/^<[!/?]/.test(html.slice(open, open + 2))) {
      out += '<';
      at = open + 1;
      continue;
    }
    const close = html.startsWith('<!--', open) ? html.indexOf('-->', open) : html.indexOf('>', open);
    if (close < 0) break;
    if (/^(p|div|br|tr|li|h[1-6]|table|ul|ol|blockquote|hr)$/.test(name)) out += '\n';
    at = html.startsWith('<!--', open) ? close + 3 : close + 1;
    if ((name === 'script' || name === 'style') && html[open + 1] !== '/') {
      const end = lower.indexOf(`</${name}`, at);
      at = end < 0 ? html.length : end;
    }
  }
  const text = out.replaceAll(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(\w{2,8}));/gi, (whole, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return ENTITIES[name.toLowerCase()] ?? whole;
    const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
    return code > 31 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : ' ';
  });
  return text.replaceAll(/[ \t]+/g, ' ').replaceAll(/ ?\n ?/g, '\n').replaceAll(/\n{3,}/g, '\n\n').trim();
}
