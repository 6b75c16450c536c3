/** What kind of thing a part is, by its type, or by its first octets where the type says nothing. Pure. */

export type Medium = 'text' | 'html' | 'document' | 'picture' | 'office';

const BY_TYPE: Readonly<Record<string, Medium>> = {
  'text/html': 'html',
  'application/pdf': 'document', 'application/x-pdf': 'document', 'application/postscript': 'document',
  'image/png': 'picture', 'image/x-png': 'picture', 'image/jpeg': 'picture', 'image/jpg': 'picture', 'image/pjpeg': 'picture',
  'image/gif': 'picture', 'image/tiff': 'picture', 'image/webp': 'picture',
};

/** With the ending that converters go by. */
const OFFICE: Readonly<Record<string, string>> = {
  'application/msword': 'doc', 'application/vnd.ms-excel': 'xls', 'application/vnd.ms-powerpoint': 'ppt', 'application/rtf': 'rtf', 'text/rtf': 'rtf',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xlsx',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation': 'pptx',
  'application/vnd.oasis.opendocument.text': 'odt', 'application/vnd.oasis.opendocument.spreadsheet': 'ods', 'application/vnd.oasis.opendocument.presentation': 'odp',
};

export function mediumOf(type: string): Medium | null {
  if (Object.hasOwn(BY_TYPE, type)) return BY_TYPE[type] as Medium;
  if (Object.hasOwn(OFFICE, type)) return 'office';
  return type.startsWith('text/') ? 'text' : null;
}

export function officeEnding(type: string): string {
  return OFFICE[type] ?? 'doc';
}

/** Many senders call everything application/octet-stream. */
export function mediumByOctets(head: Uint8Array): Medium | null {
  const text = Buffer.from(head).toString('latin1');
  if (/^[\s\S]{0,1000}%PDF-/.test(text) || text.startsWith('%!')) return 'document';
  if (/^(\x89PNG\r\n|\xff\xd8\xff|GIF8|II\*\0|MM\0\*|RIFF[\s\S]{4}WEBP)/.test(text)) return 'picture';
  return null;
}

/** Types that say nothing of what is in them. */
export function isVague(type: string): boolean {
  return /^(application\/(octet-stream|x-download|force-download|binary|unknown|x-unknown)|image\/\*)$/.test(type);
}

/** Courier's: `application/pdf` → `application-pdf.filter`. A type has no blanks, and its slash and dots are gone. */
export function filterName(type: string): string | null {
  return /^[\w!#$&^+-]+\/[\w!#$&^.+-]+$/.test(type) ? `${type.replaceAll(/[/.]/g, '-')}.filter` : null;
}
