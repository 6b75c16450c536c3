/** A PDF of scanned pages (ISO 32000-1 §7, §7.4.6): each page's own T.4 octets, untouched, behind the fax filter. */
import { readFile } from 'node:fs/promises';
import type { KeptPage } from './kept-fax.ts';

const POINTS = 72;
const PELS_AN_INCH = 204;
const ROWS_AN_INCH = { fine: 196, normal: 98 } as const;
const WIDTH = 1728;

export async function* formatPdf(pages: readonly KeptPage[], title: string): AsyncGenerator<Uint8Array> {
  const offsets: number[] = [];
  let at = 0;
  const put = (octets: Uint8Array): Uint8Array => {
    at += octets.length;
    return octets;
  };
  const object = (number: number, text: string): Uint8Array => {
    offsets[number] = at;
    return put(Buffer.from(`${number} 0 obj\n${text}\nendobj\n`, 'latin1'));
  };
  // 1 catalog, 2 pages, 3 title, then three for each page: page, drawing, picture.
  const first = (page: number) => 4 + page * 3;
  yield put(Buffer.from('%PDF-1.4\n%\xe2\xe3\xcf\xd3\n', 'latin1'));
  yield object(1, '<< /Type /Catalog /Pages 2 0 R >>');
  yield object(2, `<< /Type /Pages /Count ${pages.length} /Kids [${pages.map((_, page) => `${first(page)} 0 R`).join(' ')}] >>`);
  yield object(3, `<< /Title (${title.replaceAll(/[^\x20-\x7e]/g, '?').replaceAll(/[\\()]/g, String.raw`\$&`)}) /Producer (Posthorn) >>`);
  for (const [index, page] of pages.entries()) {
    const number = first(index);
    const width = ((WIDTH / PELS_AN_INCH) * POINTS).toFixed(2);
    const height = ((page.rows / ROWS_AN_INCH[page.resolution]) * POINTS).toFixed(2);
    const drawing = `q ${width} 0 0 ${height} 0 0 cm /P Do Q`;
    const coded = await readFile(page.file);
    yield object(number, `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${width} ${height}] /Contents ${number + 1} 0 R /Resources << /XObject << /P ${number + 2} 0 R >> >> >>`);
    yield object(number + 1, `<< /Length ${drawing.length} >>\nstream\n${drawing}\nendstream`);
    offsets[number + 2] = at;
    yield put(Buffer.from(`${number + 2} 0 obj\n<< /Type /XObject /Subtype /Image /Width ${WIDTH} /Height ${page.rows} /ColorSpace /DeviceGray /BitsPerComponent 1 `
      + `/Filter /CCITTFaxDecode /DecodeParms << /K 0 /Columns ${WIDTH} /Rows ${page.rows} /EndOfLine true /EndOfBlock true >> /Length ${coded.length} >>\nstream\n`));
    yield put(coded);
    yield put(Buffer.from('\nendstream\nendobj\n'));
  }
  const table = at;
  const count = offsets.length;
  const rows = Array.from({ length: count - 1 }, (_, index) => `${String(offsets[index + 1]).padStart(10, '0')} 00000 n \n`).join('');
  yield Buffer.from(`xref\n0 ${count}\n0000000000 65535 f \n${rows}trailer\n<< /Size ${count} /Root 1 0 R /Info 3 0 R >>\nstartxref\n${table}\n%%EOF\n`);
}
