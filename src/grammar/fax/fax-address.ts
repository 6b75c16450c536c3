/** `NUMBER@fax[-lowres][-ignore][-cover]`: what stands on a fax's envelope, as Courier reads it. */

export interface FaxOptions {
  /** 204 by 98 instead of 204 by 196. */
  readonly lowres: boolean;
  /** Parts that nothing can draw are left out, and the cover page names them. */
  readonly ignore: boolean;
  /** Only the first part, as text on the cover page. */
  readonly cover: boolean;
}

/** Before and after the rules (courierfax: 80). */
export const NUMBER_CHARACTERS = 80;

const DOMAIN = /^fax(?:-(?:lowres|ignore|cover))*$/;

/** Null: no domain of faxes. The house writes domains in lower case. */
export function parseFaxDomain(domain: string): FaxOptions | null {
  if (!DOMAIN.test(domain)) return null;
  const words = domain.split('-');
  return { lowres: words.includes('lowres'), ignore: words.includes('ignore'), cover: words.includes('cover') };
}

/**
 * The local-part's number as the rules see it: what cannot be dialled is dropped, so that people may write
 * `(212) 555-1212`; `-` is a pause (`,`), `+` a wait for silence (`@`), and `#` is `~`, because `#` begins a comment in
 * faxrc. Null when nothing is left, or too much.
 */
export function parseFaxNumber(localPart: string): string | null {
  const kept = localPart.replaceAll(/[^0-9A-D#+*\-,W]/gi, '').toUpperCase();
  if (kept === '' || kept.length > NUMBER_CHARACTERS) return null;
  return kept.replaceAll('-', ',').replaceAll('+', '@').replaceAll('#', '~');
}
