/**
 * SASLprep (RFC 4013) of a login or password, as a query: what two keyboards type differently becomes the same octets.
 * Null: it holds something that no credential may hold.
 */
const NON_ASCII_SPACES = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/g; // RFC 3454, table C.1.2
const MAPPED_TO_NOTHING = /[\u00ad\u1806\u200b-\u200d\u2060\ufeff]|\u034f|\p{Variation_Selector}/gu; // RFC 3454, table B.1
/** RFC 3454, tables C.2 to C.9: controls, private use, non-characters, surrogates, what does not belong in plain text. */
const PROHIBITED = /[\p{Cc}\p{Co}\p{Cs}\p{Noncharacter_Code_Point}\u06dd\u070f\u180e\u200c-\u200f\u2028-\u202e\u2060-\u2063\u206a-\u206f\u2ff0-\u2ffb\ufeff\ufff9-\ufffd]|[\u{e0001}\u{e0020}-\u{e007f}]|[\u{1d173}-\u{1d17a}]/u;
const RIGHT_TO_LEFT = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}]/u;
const RIGHT_TO_LEFT_ENDS = new RegExp(`^${RIGHT_TO_LEFT.source}(?:.*${RIGHT_TO_LEFT.source})?$`, 'su');
const LEFT_TO_RIGHT = /[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}]/u;
const PLAIN = /^[\x20-\x7e]*$/;

export function saslPrep(text: string): string | null {
  if (PLAIN.test(text)) return text;
  const prepared = text.replaceAll(NON_ASCII_SPACES, ' ').replaceAll(MAPPED_TO_NOTHING, '').normalize('NFKC');
  return PROHIBITED.test(prepared) || mixesDirections(prepared) ? null : prepared;
}

/** RFC 3454 §6: text that runs right to left does so from its first character to its last, and has nothing that runs left to right. */
function mixesDirections(text: string): boolean {
  if (!RIGHT_TO_LEFT.test(text)) return false;
  return !RIGHT_TO_LEFT_ENDS.test(text) || LEFT_TO_RIGHT.test(text);
}
