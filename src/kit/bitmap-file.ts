/** Black-and-white pages as files that everybody can open: one PDF of all pages, or a PNG of each. */
import { crc32, deflateSync } from 'node:zlib';

export interface BitmapPage {
  /** A multiple of 8; rows of width / 8 octets, 1 is black, the leftmost pel in the highest bit. */
  readonly width: number;
  readonly rows: number;
  readonly bits: Uint8Array;
  readonly pelsPerInch: number;
  readonly rowsPerInch: number;
}

/** The pages come one at a time; what is kept of each is its compressed form. */
export async function formatPdf(pages: AsyncIterable<BitmapPage> | Iterable<BitmapPage>): Promise<Uint8Array> {
  const objects: Uint8Array[] = [];
  const ids: number[] = [];
  const add = (text: string, stream?: Uint8Array): number => {
    objects.push(stream === undefined ? Buffer.from(text) : Buffer.concat([Buffer.from(`${text}\nstream\n`), stream, Buffer.from('\nendstream')]));
    return objects.length;
  };
  add('<< /Type /Catalog /Pages 2 0 R >>');
  add(''); // the list of pages, when they are known
  for await (const { width, rows, bits, pelsPerInch, rowsPerInch } of pages) {
    const packed = deflateSync(bits);
    const [wide, high] = [(width / pelsPerInch) * 72, (rows / rowsPerInch) * 72].map(points => points.toFixed(2));
    // 0 is white: the decode array turns it round.
    const image = add(`<< /Type /XObject /Subtype /Image /Width ${width} /Height ${rows} /BitsPerComponent 1 /ColorSpace /DeviceGray /Decode [1 0] /Filter /FlateDecode /Length ${packed.length} >>`, packed);
    const drawing = Buffer.from(`q ${wide} 0 0 ${high} 0 0 cm /P Do Q`);
    const content = add(`<< /Length ${drawing.length} >>`, drawing);
    ids.push(add(`<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${wide} ${high}] /Resources << /XObject << /P ${image} 0 R >> >> /Contents ${content} 0 R >>`));
  }
  objects[1] = Buffer.from(`<< /Type /Pages /Count ${ids.length} /Kids [${ids.map(id => `${id} 0 R`).join(' ')}] >>`);
  const pieces: Uint8Array[] = [Buffer.from('%PDF-1.4\n%\u00e2\u00e3\n')];
  let at = (pieces[0] as Uint8Array).length;
  const offsets: number[] = [];
  objects.forEach((object, n) => {
    offsets.push(at);
    const whole = Buffer.concat([Buffer.from(`${n + 1} 0 obj\n`), object, Buffer.from('\nendobj\n')]);
    pieces.push(whole);
    at += whole.length;
  });
  const table = offsets.map(offset => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  pieces.push(Buffer.from(`xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${table}trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${at}\n%%EOF\n`));
  return Buffer.concat(pieces);
}

const METRES_PER_INCH = 0.0254;

export function formatPng({ width, rows, bits, pelsPerInch, rowsPerInch }: BitmapPage): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(rows, 4);
  header[8] = 1; // a bit a pel, greyscale, where 1 is white
  const size = Buffer.alloc(9);
  size.writeUInt32BE(Math.round(pelsPerInch / METRES_PER_INCH), 0);
  size.writeUInt32BE(Math.round(rowsPerInch / METRES_PER_INCH), 4);
  size[8] = 1;
  const octets = width >> 3;
  const lines = Buffer.alloc(rows * (octets + 1));
  for (let row = 0; row < rows; row++) {
    for (let n = 0; n < octets; n++) lines[row * (octets + 1) + 1 + n] = ~(bits[row * octets + n] as number) & 255;
  }
  return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), chunk('IHDR', header), chunk('pHYs', size), chunk('IDAT', deflateSync(lines)), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type: string, content: Uint8Array): Uint8Array {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(content.length, 0);
  out.set(body, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}
