/** Black-and-white pages as files that everybody can open: one PDF of all pages, or a PNG of each. */
import { promisify } from 'node:util';
import { crc32, deflate } from 'node:zlib';

export interface PageSize {
  /** A multiple of 8. */
  readonly width: number;
  readonly rows: number;
  readonly pelsPerInch: number;
  readonly rowsPerInch: number;
}

export interface BitmapPage extends PageSize {
  /** Rows of width / 8 octets, 1 is black, the leftmost pel in the highest bit. */
  readonly bits: Uint8Array;
}

/** Coded as it came from the line (ITU-T T.4, one-dimensional), and left so. */
export interface CodedPage extends PageSize {
  readonly t4: Uint8Array;
}

const POINTS = 72;
const deflated = promisify<Uint8Array, { level: number }, Buffer>(deflate);

/** ISO 32000-1 §7. The pages come one at a time, and leave one at a time. */
export async function* formatPdf(pages: AsyncIterable<BitmapPage | CodedPage> | Iterable<BitmapPage | CodedPage>, title?: string): AsyncGenerator<Uint8Array> {
  // 1 catalog, 2 the list of pages, 3 title, then three for each page: page, drawing, picture.
  const offsets: number[] = [];
  const ids: number[] = [];
  let at = 0;
  const put = (octets: Uint8Array): Uint8Array => {
    at += octets.length;
    return octets;
  };
  const object = (id: number, text: string): Uint8Array => {
    offsets[id] = at;
    return put(Buffer.from(`${id} 0 obj\n${text}\nendobj\n`, 'latin1'));
  };
  yield put(Buffer.from('%PDF-1.4\n%\xe2\xe3\xcf\xd3\n', 'latin1'));
  yield object(1, '<< /Type /Catalog /Pages 2 0 R >>');
  const titled = title === undefined ? '' : `/Title (${title.replaceAll(/[^\x20-\x7e]/g, '?').replaceAll(/[\\()]/g, String.raw`\$&`)}) `;
  yield object(3, `<< ${titled}/Producer (Posthorn) >>`);
  for await (const page of pages) {
    const id = 4 + ids.length * 3;
    ids.push(id);
    const { width, rows } = page;
    const [wide, high] = [(width / page.pelsPerInch) * POINTS, (rows / page.rowsPerInch) * POINTS].map(points => points.toFixed(2));
    const drawing = `q ${wide} 0 0 ${high} 0 0 cm /P Do Q`;
    yield object(id, `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${wide} ${high}] /Contents ${id + 1} 0 R /Resources << /XObject << /P ${id + 2} 0 R >> >> >>`);
    yield object(id + 1, `<< /Length ${drawing.length} >>\nstream\n${drawing}\nendstream`);
    const [octets, filter] = 'bits' in page
      // 0 is white: the decode array turns it round.
      ? [await deflated(page.bits, { level: 9 }), '/Decode [1 0] /Filter /FlateDecode']
      : [page.t4, `/Filter /CCITTFaxDecode /DecodeParms << /K 0 /Columns ${width} /Rows ${rows} /EndOfLine true /EndOfBlock true >>`];
    offsets[id + 2] = at;
    yield put(Buffer.from(`${id + 2} 0 obj\n<< /Type /XObject /Subtype /Image /Width ${width} /Height ${rows} /ColorSpace /DeviceGray /BitsPerComponent 1 ${filter} /Length ${octets.length} >>\nstream\n`));
    yield put(octets);
    yield put(Buffer.from('\nendstream\nendobj\n'));
  }
  yield object(2, `<< /Type /Pages /Count ${ids.length} /Kids [${ids.map(id => `${id} 0 R`).join(' ')}] >>`);
  const table = offsets.slice(1).map(offset => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  yield Buffer.from(`xref\n0 ${offsets.length}\n0000000000 65535 f \n${table}trailer\n<< /Size ${offsets.length} /Root 1 0 R /Info 3 0 R >>\nstartxref\n${at}\n%%EOF\n`);
}

const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
const METRES_PER_INCH = 0.0254;

/** One bit a pel (PNG, third edition, §11). */
export async function formatPng({ width, rows, bits, pelsPerInch, rowsPerInch }: BitmapPage): Promise<Buffer> {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(rows, 4);
  header[8] = 1; // a bit a pel, greyscale, where 1 is white
  const size = Buffer.alloc(9);
  size.writeUInt32BE(Math.round(pelsPerInch / METRES_PER_INCH), 0);
  size.writeUInt32BE(Math.round(rowsPerInch / METRES_PER_INCH), 4);
  size[8] = 1;
  const octets = width >> 3;
  // A filter octet (none) before each row.
  const lines = Buffer.alloc(rows * (octets + 1));
  for (let row = 0, to = 0; row < rows; row++, to += octets + 1) {
    for (let n = 0; n < octets; n++) lines[to + 1 + n] = ~bits[row * octets + n]!;
  }
  return Buffer.concat([SIGNATURE, chunk('IHDR', header), chunk('pHYs', size), chunk('IDAT', await deflated(lines, { level: 9 })), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type: string, content: Uint8Array): Buffer {
  const out = Buffer.alloc(content.length + 12);
  out.writeUInt32BE(content.length, 0);
  out.write(type, 4, 'latin1');
  out.set(content, 8);
  out.writeUInt32BE(crc32(out.subarray(4, content.length + 8)), content.length + 8);
  return out;
}
