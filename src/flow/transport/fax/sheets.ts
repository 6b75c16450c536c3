/**
 * Text on paper, as PDF that Ghostscript then prints. The only file that knows pdfkit. A character that no font has is
 * drawn as a replacement and counted: what cannot be shown is at least said.
 */
import { fontChain, systemFonts, type Face, type FontFile } from './fonts.ts';
import { WIDTH_POINTS } from './paper.ts';
import { createWritingDirection } from './writing-direction.ts';

export interface Style {
  readonly face: Face;
  readonly points: number;
}

export interface Sheets {
  /** The size of all pages. */
  readonly width: number;
  readonly height: number;
  begin(): void;
  measure(text: string, style: Style): number;
  /** One line; `y` is its top. In a paragraph from right to left, `x` to `x + width` is filled from the right. */
  draw(text: string, box: { readonly x: number; readonly y: number; readonly width: number; readonly align?: 'left' | 'right' | 'start' }, style: Style): void;
  rule(y: number, thick: number, from: number, to: number): void;
  /** Lines no wider than `width`, made as they are asked for. */
  wrap(paragraph: string, width: number, style: Style): Iterable<string>;
  lineHeight(style: Style): number;
  /** Characters without a glyph, and how often each was wanted. */
  readonly missing: ReadonlyMap<string, number>;
  finish(): Promise<Uint8Array>;
}

/** What pdfkit does not tell of its fonts, and fontkit's own tells. */
interface OpenFont {
  readonly font: { hasGlyphForCodePoint(codePoint: number): boolean };
}

/** DejaVu's. */
const ASCENT = 0.928;
const REPLACEMENT = '\ufffd';
/** Marks and joiners stay with the letter before them. */
const CLINGS = /^[\p{M}\p{Cf}\ufe00-\ufe0f]$/u;
const BREAKS_ANYWHERE = /[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]|[\u{20000}-\u{3ffff}]/u;
/** Words whose widths are remembered. */
const REMEMBERED = 2000;

export async function openSheets(height: number, extra: readonly FontFile[]): Promise<Sheets> {
  const { default: PDFDocument } = await import('pdfkit');
  const document = new PDFDocument({ size: [WIDTH_POINTS, height], margin: 0, autoFirstPage: false, compress: true, bufferPages: false });
  const pieces: Buffer[] = [];
  const ended = new Promise<void>((resolve, reject) => {
    document.on('data', (piece: Buffer) => void pieces.push(piece));
    document.on('end', () => resolve());
    document.on('error', reject);
  });
  const direction = await createWritingDirection();
  const missing = new Map<string, number>();
  const fonts = new Map<string, OpenFont | null>();
  const widths = new Map<string, number>();
  let system: readonly FontFile[] | null = null;

  function use(file: FontFile): OpenFont | null {
    const key = `${file.path}#${file.name ?? ''}`;
    const known = fonts.get(key);
    if (known === null) return null;
    try {
      if (known === undefined) document.registerFont(key, file.path, file.name);
      document.font(key);
      // oxlint-disable-next-line no-underscore-dangle -- pdfkit has no other word about its glyphs
      const opened = (document as unknown as { readonly _font: OpenFont })._font;
      fonts.set(key, opened);
      return opened;
    } catch {
      // A font that cannot be read is one font less; what it would have drawn is counted as missing.
      fonts.set(key, null);
      return null;
    }
  }
  function* chain(face: Face): Generator<FontFile> {
    yield* fontChain(face);
    yield* extra;
    system ??= systemFonts();
    yield* system;
  }
  function fontFor(character: string, face: Face): FontFile | null {
    for (const file of chain(face)) if (use(file)?.font.hasGlyphForCodePoint(character.codePointAt(0) as number) === true) return file;
    return null;
  }

  /** Pieces of one font each. */
  function split(text: string, face: Face, count: boolean): readonly { readonly text: string; readonly file: FontFile }[] {
    const first = fontChain(face)[0] as FontFile;
    if (/^[\x20-\x7e]*$/.test(text)) return [{ text, file: first }];
    const parts: { text: string; file: FontFile }[] = [];
    for (const character of text) {
      const last = parts.at(-1);
      if (last !== undefined && CLINGS.test(character)) {
        last.text += character;
        continue;
      }
      const found = /[\p{Cc}\p{Cf}]/u.test(character) ? first : fontFor(character, face);
      if (found === null && count) missing.set(character, (missing.get(character) ?? 0) + 1);
      const file = found ?? first;
      const drawn = found === null ? REPLACEMENT : /\p{Cc}/u.test(character) ? ' ' : character;
      if (last !== undefined && last.file.path === file.path) last.text += drawn;
      else parts.push({ text: drawn, file });
    }
    return parts;
  }

  function widthOf(text: string, file: FontFile, points: number): number {
    const key = `${file.path}|${points}|${text}`;
    const known = widths.get(key);
    if (known !== undefined) return known;
    use(file);
    const width = document.fontSize(points).widthOfString(text);
    if (widths.size >= REMEMBERED) widths.clear();
    widths.set(key, width);
    return width;
  }

  function measure(text: string, { face, points }: Style): number {
    if (face === 'mono' && /^[\x20-\x7e]*$/.test(text)) return text.length * widthOf('0', fontChain(face)[0] as FontFile, points);
    let width = 0;
    // Word by word, as pdfkit shapes them.
    for (const part of split(text, face, false)) for (const word of part.text.split(/(?<= )/)) width += widthOf(word, part.file, points);
    return width;
  }

  function show({ text, file }: { readonly text: string; readonly file: FontFile }, x: number, y: number, { points }: Style): number {
    use(file);
    // By the line that letters stand on: fonts differ in what they have above it.
    document.fontSize(points).text(text, x, y + ASCENT * points, { lineBreak: false, baseline: 'alphabetic' });
    return text.split(/(?<= )/).reduce((at, word) => at + widthOf(word, file, points), x);
  }

  function put(text: string, x: number, y: number, style: Style): number {
    return split(text, style.face, true).reduce((at, part) => show(part, at, y, style), x);
  }

  /** pdfkit shapes word by word, so the words of a leftward stretch are placed one by one, the last one first. */
  function putLeftward(text: string, x: number, y: number, style: Style): number {
    let at = x;
    for (const word of text.split(/( +)/).toReversed()) {
      if (word.trim() === '') {
        at += measure(word, style);
        continue;
      }
      // Shaping turns letters round, and signs alone not.
      for (const part of split(word, style.face, true).toReversed()) at = show({ ...part, text: /\p{L}/u.test(part.text) ? part.text : Array.from(part.text).toReversed().join('') }, at, y, style);
    }
    return at;
  }

  return {
    width: WIDTH_POINTS,
    height,
    missing,
    begin: () => void document.addPage(),
    measure,
    lineHeight: ({ points }) => points * 1.25,
    draw(text, { x, y, width, align = 'start' }, style) {
      const base = direction.baseOf(text);
      const toRight = align === 'right' || (align === 'start' && base === 'rtl');
      let at = toRight ? x + width - measure(text, style) : x;
      for (const stretch of direction.arrange(text, base)) at = stretch.leftward ? putLeftward(stretch.text, at, y, style) : put(stretch.text, at, y, style);
    },
    rule(y, thick, from, to) {
      document.rect(from, y, to - from, thick).fill('black');
    },
    *wrap(paragraph, width, style) {
      let line = '';
      let used = 0;
      for (const word of breakable(paragraph)) {
        const wide = measure(word, style);
        const shown = measure(word.trimEnd(), style);
        if (used + shown > width && line !== '') {
          yield line.trimEnd();
          line = '';
          used = 0;
        }
        if (shown <= width) {
          line += word;
          used += wide;
          continue;
        }
        for (const character of new Intl.Segmenter().segment(word)) {
          const one = measure(character.segment, style);
          if (used + one > width && line !== '') {
            yield line;
            line = '';
            used = 0;
          }
          line += character.segment;
          used += one;
        }
      }
      yield line.trimEnd();
    },
    async finish() {
      document.end();
      await ended;
      return Buffer.concat(pieces);
    },
  };
}

/** Where a line may end: behind blanks, behind a hyphen in a word, between ideographs. No piece is endless. */
function* breakable(paragraph: string): Generator<string> {
  for (const [found] of paragraph.matchAll(/ *[^ ]{1,200} *| +/gu)) {
    if (BREAKS_ANYWHERE.test(found)) yield* Array.from(found);
    else if (found.includes('-')) yield* found.split(/(?<=\p{L}-)(?=\p{L})/u);
    else yield found;
  }
}
