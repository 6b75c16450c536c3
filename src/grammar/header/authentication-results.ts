/** Authentication-Results (RFC 8601): written, and told whose another one says it is. Pure. */
export interface MethodResult {
  readonly method: 'spf' | 'dkim' | 'arc' | 'dmarc';
  readonly result: string;
  readonly comment?: string;
  /** `smtp.mailfrom` and the like, with their values. */
  readonly properties: readonly (readonly [name: string, value: string])[];
}

/** The value, a method a line, without the last line end. */
export function formatAuthenticationResults(host: string, results: readonly MethodResult[]): string {
  if (results.length === 0) return `${host}; none`;
  return [host, ...results.map(({ method, result, comment, properties }) => {
    const said = comment === undefined ? '' : ` (${comment.replaceAll(/[()\\\u0000-\u001f\u007f]/g, '_').slice(0, 200)})`;
    return `\r\n  ${method}=${result}${said}${properties.filter(([, value]) => value !== '').map(([name, value]) => ` ${name}=${wordOf(value)}`).join('')}`;
  })].join(';');
}

/** A token, a domain or an address as it is; anything else quoted (RFC 8601 §2.2, pvalue). */
function wordOf(value: string): string {
  const printable = value.replaceAll(/[\u0000-\u001f\u007f]/g, '_').slice(0, 320);
  return /^[^\s()<>,;:\\"/[\]?=@]+(?:@[\w.-]+)?$|^@[\w.-]+$/.test(printable) ? printable : `"${printable.replaceAll(/["\\]/g, '\\$&')}"`;
}

/** Who says that he wrote it (authserv-id), in small letters; comments and blanks before it are stepped over. */
export function authServId(value: string): string {
  let at = 0;
  for (let depth = 0; at < value.length; at++) {
    const letter = value[at] as string;
    if (letter === '\\' && depth > 0) at++;
    else if (letter === '(') depth++;
    else if (letter === ')' && depth > 0) depth--;
    else if (depth === 0 && !/\s/.test(letter)) break;
  }
  const rest = value.slice(at);
  const quoted = /^"((?:[^"\\]|\\.)*)"/s.exec(rest);
  const word = quoted === null ? (/^[^\s;()]*/.exec(rest)?.[0] ?? '') : (quoted[1] ?? '').replaceAll(/\\(.)/gs, '$1');
  return word.toLowerCase().replace(/\.$/, '');
}
