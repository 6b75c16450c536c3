/** Paths to pages, whatever is in their parts. */
export function pathTo(parts: readonly string[], query: Readonly<Record<string, string | null>> = {}): string {
  const fields = new URLSearchParams(Object.entries(query).filter((field): field is [string, string] => field[1] !== null && field[1] !== ''));
  const path = `/${parts.map(encodeURIComponent).join('/')}`;
  return fields.size === 0 ? path : `${path}?${fields.toString()}`;
}

/** Hex digits of a time, a dot, the tag of a store. What is no id is nobody's key. */
export const MESSAGE_ID = /^[0-9A-Z]{1,20}\.[0-9A-Z]{1,20}$/i;
