/**
 * What the spectator sees. On a terminal a table that lives: one line a letter, changing as it travels; elsewhere a
 * plain line for each event. Colours obey NO_COLOR.
 */
import { styleText } from 'node:util';

type Colour = Parameters<typeof styleText>[0];
export type Standing = 'waiting' | 'accepted' | 'deferred' | 'delivered' | 'failed';

export interface Screen {
  title(text: string): void;
  /** A row for a letter; gives its place. */
  row(name: string, note: string, recipients: readonly string[]): Row;
  /** A line that stays: above the table while it lives, below it afterwards. */
  line(text: string, colour?: Colour): void;
  close(): void;
}

export interface Row {
  tell(recipient: string | null, standing: Standing, words: string): void;
  report(action: string): void;
}

const marks: Readonly<Record<Standing, readonly [string, Colour]>> = {
  waiting: ['·', 'gray'],
  accepted: ['◌', 'cyan'],
  deferred: ['↻', 'yellow'],
  delivered: ['✔', 'green'],
  failed: ['✖', 'red'],
};
const frameMs = 80;

interface State {
  readonly name: string;
  readonly note: string;
  readonly recipients: Map<string, { standing: Standing; words: string }>;
  readonly reports: string[];
}

export function openScreen(out: NodeJS.WriteStream): Screen {
  const terminal = out.isTTY && process.env['TERM'] !== 'dumb';
  let live = terminal;
  const rows: State[] = [];
  const lasting: string[] = [];
  let drawn = 0;
  const timer = terminal ? setInterval(draw, frameMs) : undefined;
  const paint = (colour: Colour, text: string): string => styleText(colour, text, { stream: out });
  const cut = (text: string, width: number): string => (text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width));

  function draw(): void {
    const width = Math.max(60, out.columns ?? 100);
    const lines = rows.flatMap((row) => {
      const letters = [...row.recipients].map(([recipient, { standing, words }], at) => {
        const [mark, colour] = marks[standing];
        const name = cut(at === 0 ? row.name : '', 18);
        const reports = at === 0 ? row.reports.map((action) => paint('magenta', ` ✉ ${action}`)).join('') : '';
        const told = words === '' ? row.note : words;
        const room = width - 18 - 4 - 26 - 2 - (at === 0 ? row.reports.reduce((sum, action) => sum + action.length + 3, 0) : 0) - 1;
        return `${paint('bold', name)} ${paint(colour, mark)} ${cut(recipient, 25)} ${paint(words === '' ? 'gray' : colour, cut(told, Math.max(10, room)).trimEnd())}${reports}`;
      });
      return letters;
    });
    const up = drawn > 0 ? `\u001b[${drawn}A` : '';
    const kept = lasting.splice(0).map((line) => `\u001b[2K${line}\n`).join('');
    out.write(`${up}${kept}${lines.map((line) => `\u001b[2K${line}\n`).join('')}\u001b[J`);
    drawn = lines.length;
  }

  return {
    title(text) {
      out.write(`\n${paint('bold', text)}\n`);
    },
    row(name, note, recipients) {
      const state: State = { name, note, recipients: new Map(recipients.map((one) => [one, { standing: 'waiting', words: '' }])), reports: [] };
      rows.push(state);
      return {
        tell(recipient, standing, words) {
          for (const [address, place] of state.recipients) {
            if (recipient !== null && address !== recipient) continue;
            place.standing = standing;
            place.words = words;
          }
          if (!live) out.write(`${paint(marks[standing][1], `${marks[standing][0]} ${standing.padEnd(9)}`)} ${cut(name, 18)} ${recipient ?? ''} ${words}\n`);
        },
        report(action) {
          state.reports.push(action);
          if (!live) out.write(`${paint('magenta', '✉ report   ')} ${cut(name, 18)} ${action}\n`);
        },
      };
    },
    line(text, colour) {
      const painted = colour === undefined ? text : paint(colour, text);
      if (live) lasting.push(painted);
      else out.write(`${painted}\n`);
    },
    close() {
      clearInterval(timer);
      if (live) draw();
      live = false; // what is said from now on stands below the table
    },
  };
}
