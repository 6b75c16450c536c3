/** Pictures without a library: bars for the bench, curves for the soak. Light and dark readers see the same greys. */
export interface Bars {
  readonly title: string;
  readonly unit: string;
  readonly bars: readonly { readonly name: string; readonly value: number }[];
}

export interface Curve {
  readonly title: string;
  readonly unit: string;
  /** Seconds since the start, value. */
  readonly points: readonly (readonly [number, number])[];
}

const colours = ['#2f7d5b', '#7a8793', '#a3672c', '#5c6bb0', '#98503f', '#6a8f2f'];
const width = 760;

/** One panel a question, one bar a peer; each panel has its own scale, which starts at nothing. */
export function barsSvg(panels: readonly Bars[]): string {
  let y = 10;
  const parts = panels.flatMap(({ title, unit, bars }) => {
    const highest = Math.max(...bars.map((bar) => bar.value), Number.MIN_VALUE);
    const head = text(10, (y += 22), `${title} (${unit})`, 'bold');
    const rows = bars.map(({ name, value }, at) => {
      y += 18;
      const length = (value / highest) * (width - 280);
      return `${text(10, y, name)}<rect x="160" y="${y - 11}" width="${length.toFixed(1)}" height="13" rx="2" fill="${colours[at % colours.length]}"/>${text(168 + length, y, shown(value))}`;
    });
    y += 10;
    return [head, ...rows];
  });
  return frame(y + 10, parts);
}

export function curvesSvg(panels: readonly Curve[]): string {
  const height = 150;
  const parts = panels.map(({ title, unit, points }, at) => {
    const top = 30 + at * (height + 50);
    const last = Math.max(...points.map(([when]) => when), 1);
    const highest = Math.max(...points.map(([, value]) => value), Number.MIN_VALUE);
    const line = points.map(([when, value]) => `${(60 + (when / last) * (width - 80)).toFixed(1)},${(top + height - (value / highest) * height).toFixed(1)}`).join(' ');
    return [
      text(60, top - 8, `${title} (${unit})`, 'bold'),
      text(8, top + 10, shown(highest)), text(8, top + height, '0'), text(width - 60, top + height + 16, `${Math.round(last)} s`),
      `<path d="M60 ${top}V${top + height}H${width - 20}" fill="none" stroke="#888"/>`,
      `<polyline points="${line}" fill="none" stroke="${colours[at % colours.length]}" stroke-width="1.5"/>`,
    ].join('');
  });
  return frame(40 + panels.length * (height + 50), parts);
}

function text(x: number, y: number, words: string, weight = 'normal'): string {
  const safe = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x.toFixed(1)}" y="${y}" font-weight="${weight}">${safe}</text>`;
}

function frame(height: number, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" fill="#667">\n${parts.join('\n')}\n</svg>\n`;
}

function shown(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);
}
