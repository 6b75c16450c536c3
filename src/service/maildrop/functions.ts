/** The functions of the language. Texts are octets: length and substr count octets. */
import type { Expression, FunctionName } from '../../grammar/maildrop/ast.ts';
import { parseMailboxes } from '../../grammar/maildrop/addresses.ts';
import { decodeUtf8 } from '../../grammar/maildrop/encoded-words.ts';
import { isTrue, parseNumber, truth } from '../../grammar/maildrop/numbers.ts';
import { Trouble, wait, type Frame, type Interpretation, type Turn } from './turn.ts';
import type { MapMode, TextMap } from './world.ts';

const SPECIAL = /[|!$()[\]\\+*?.&;`'\-~<>^{}"]/g;
const RECIPIENT_FIELDS: ReadonlySet<string> = new Set(['to', 'cc', 'resent-to', 'resent-cc']);
const MAP_MODES: ReadonlySet<string> = new Set(['R', 'W', 'C', 'N']);
/** Keys asked for one key; one of nothing but dots must not keep us busy. */
const MOST_KEYS = 64;
const FAILED = '-1';

export function* callFunction(interpreter: Interpretation, name: FunctionName, parameters: readonly Expression[], frame: Frame): Turn<string> {
  const { world } = interpreter.options;
  const value = function* (index: number): Turn<string> {
    const parameter = parameters[index];
    return parameter === undefined ? '' : yield* interpreter.value(parameter, frame);
  };
  switch (name) {
    case 'length':
      return String((yield* value(0)).length);
    case 'substr':
      return substring(yield* value(0), yield* value(1), parameters.length > 2 ? yield* value(2) : null);
    case 'tolower':
      return (yield* value(0)).replaceAll(/[A-Z]+/g, letters => letters.toLowerCase());
    case 'toupper':
      return (yield* value(0)).replaceAll(/[a-z]+/g, letters => letters.toUpperCase());
    case 'escape':
      return (yield* value(0)).replaceAll(SPECIAL, '\\$&');
    case 'getaddr':
      return parseMailboxes(yield* value(0)).map(one => `${one.address}\n`).join('');
    case 'hasaddr': {
      const wanted = (yield* value(0)).toLowerCase();
      const fields = world.message().fields(RECIPIENT_FIELDS);
      return truth(fields.some(field => parseMailboxes(field).some(one => one.address.toLowerCase() === wanted)));
    }
    case 'lookup':
      return yield* lookup(interpreter, yield* value(0), yield* value(1), yield* value(2));
    case 'time':
      return String(Math.trunc(world.now() / 1000));
    case 'gdbmopen': {
      const path = yield* value(0);
      const mode = parameters.length > 1 ? (yield* value(1)).toUpperCase() : 'R';
      if (frame.restricted && mode !== 'R') throw new Trouble(`${frame.file}: gdbmopen only reads in embedded mode`);
      yield* closeMap(frame);
      frame.map = MAP_MODES.has(mode) ? yield* wait(world.openMap(path, mode as MapMode)) : null;
      return frame.map === null ? FAILED : '0';
    }
    case 'gdbmclose':
      yield* closeMap(frame);
      return '';
    case 'gdbmstore': {
      const [key, stored] = [yield* value(0), yield* value(1)];
      return frame.map?.store(key, stored) === true ? '0' : FAILED;
    }
    case 'gdbmfetch': {
      const key = yield* value(0);
      const found = fetchFrom(frame.map, key, yield* value(1));
      // The default costs nothing while it is not needed.
      return found ?? (yield* value(2));
    }
    default:
      return name satisfies never;
  }
}

function substring(text: string, start: string, count: string | null): string {
  const from = Math.trunc(parseNumber(start));
  if (!(from >= 0) || from > text.length) return '';
  return count === null ? text.slice(from) : text.slice(from, from + Math.max(0, Math.trunc(parseNumber(count)) || 0));
}

function* closeMap(frame: Frame): Turn<void> {
  const { map } = frame;
  frame.map = null;
  if (map !== null) yield map.close();
}

function* lookup({ options }: Interpretation, subject: string, path: string, switches: string): Turn<string> {
  const list = yield* wait(options.world.readText(path));
  if (list === null) throw new Trouble(`Unable to open ${path}.`);
  const text = decodeUtf8(subject);
  if (text === null) return '0';
  for (const line of list.split('\n')) {
    const pattern = line.replace(/^[ \t]+/, '').replace(/\r$/, '');
    if (pattern === '' || pattern.startsWith('#')) continue;
    const compiled = options.patterns.compile(pattern, switches.includes('D'));
    if (compiled.kind === 'wrong') options.world.complain(`${path}: /${pattern}/ is no pattern: ${compiled.what}`);
    else if (compiled.pattern.search(text).kind === 'found') return '1';
  }
  return '0';
}

/** `D`: user@domain, user@, domain, and the domains above it. `I`: a.b.c.d, a.b.c, a.b, a. */
function fetchFrom(map: TextMap | null, key: string, options: string): string | undefined {
  if (map === null) return undefined;
  const keys = [key];
  if (options.includes('D')) {
    const at = key.lastIndexOf('@');
    if (at >= 0) keys.push(key.slice(0, at + 1));
    let domain = key.slice(at + 1);
    if (at >= 0) keys.push(domain);
    for (let dot = domain.indexOf('.'); dot >= 0 && keys.length < MOST_KEYS; dot = domain.indexOf('.')) {
      domain = domain.slice(dot + 1);
      keys.push(domain);
    }
  } else if (options.includes('I')) {
    for (let dot = key.lastIndexOf('.'); dot >= 0 && keys.length < MOST_KEYS; dot = key.lastIndexOf('.', dot - 1)) {
      keys.push(key.slice(0, dot));
      if (dot === 0) break;
    }
  }
  for (const one of keys) {
    const found = map.fetch(one);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** For settings that are numbers: LOCKSLEEP and its like. */
export function settingOf(variables: ReadonlyMap<string, string>, name: string, otherwise: number): number {
  const written = variables.get(name);
  return written === undefined || !isTrue(written) ? otherwise : Math.max(0, parseNumber(written));
}
