/**
 * `faxmodems`: one modem a line. `DEVICE [name=…] [driver=native|sendfax] [class=auto|2|2.0] [speed=38400]
 * [flow=software|hardware] [profile=…] [init=…] [dial=DT] [answer=0] [locks=/var/lock]`; a value with blanks stands in
 * quotes, and `init` may stand several times.
 */
import { nearestName } from '../config/nearest-name.ts';
import { parseLines } from '../config/control-file.ts';
import { settle, shown, type Parsed, type Problem } from '../config/parsed.ts';

export interface ModemLine {
  readonly name: string;
  readonly device: string;
  readonly driver: 'native' | 'sendfax';
  readonly baud: number;
  readonly fax: '2' | '2.0' | 'auto';
  readonly flow: 'software' | 'hardware';
  readonly init: readonly string[];
  readonly profile?: string;
  readonly dial: string;
  readonly lockFolder: string;
  /** 0: calls are not taken here. */
  readonly answerAfterRings: number;
}

/** What hardware/ knows by name; a test holds the two together. */
export const modemProfiles: readonly string[] = ['usrobotics', 'rockwell', 'zyxel', 'multitech', 'lucent', 'hayes', 'standard', 'simulator'];

const EXAMPLE = '/dev/ttyS0 class=2.0 flow=hardware answer=2';
const SPEEDS: readonly number[] = [9600, 19_200, 38_400, 57_600, 115_200];
const KEYS: readonly string[] = ['name', 'driver', 'class', 'speed', 'flow', 'init', 'profile', 'dial', 'answer', 'locks'];

export function parseModemLines(text: string): Parsed<readonly ModemLine[]> {
  const problems: Problem[] = [];
  const modems: ModemLine[] = [];
  for (const { line, text: entry } of parseLines(text)) {
    const say = (what: string, right = EXAMPLE): void => void problems.push({ line, what, right });
    const [, device = '', rest = ''] = /^(\/[!-~]+)((?:\s.*)?)$/.exec(entry) ?? [];
    if (device === '') {
      say(`${shown(entry)} does not begin with the absolute path of a device`);
      continue;
    }
    let modem: ModemLine = { name: device.split('/').at(-1) ?? device, device, driver: 'native', baud: 38_400, fax: 'auto', flow: 'software', init: [], dial: 'DT', lockFolder: '/var/lock', answerAfterRings: 0 };
    const words = [...rest.matchAll(/(\w+)=(?:"([^"]*)"|(\S*))|(\S+)/g)];
    for (const [word, key = '', quoted, plain] of words) {
      const changed = withOption(modem, key, quoted ?? plain ?? '');
      if (changed === null) say(KEYS.includes(key) ? `${shown(word)} is not understood` : `there is no option ${shown(word)}`, rightOf(key));
      else modem = changed;
    }
    if (modem.driver === 'sendfax' && modem.answerAfterRings > 0) say('with sendfax calls are taken by mgetty, not by us', 'driver=native, or no answer=');
    if (modem.driver === 'sendfax' && !device.startsWith('/dev/')) say('sendfax takes devices below /dev only', '/dev/ttyS0 driver=sendfax');
    if (modems.some(({ name }) => name === modem.name)) say(`a second modem called ${shown(modem.name)}`, `name=${modem.name}b`);
    if (modems.some(one => one.device === device)) say(`a second line for ${shown(device)}`, 'one line a device');
    modems.push(modem);
  }
  return settle(modems, problems);
}

function withOption(modem: ModemLine, key: string, value: string): ModemLine | null {
  switch (key) {
    case 'name':
      return /^[\w.-]{1,40}$/.test(value) ? { ...modem, name: value } : null;
    case 'driver':
      return value === 'native' || value === 'sendfax' ? { ...modem, driver: value } : null;
    case 'class':
      return value === 'auto' || value === '2' || value === '2.0' ? { ...modem, fax: value } : null;
    case 'speed':
      return SPEEDS.includes(Number(value)) ? { ...modem, baud: Number(value) } : null;
    case 'flow':
      return value === 'software' || value === 'hardware' ? { ...modem, flow: value } : null;
    case 'profile':
      return modemProfiles.includes(value) ? { ...modem, profile: value } : null;
    case 'init':
      return /^(?:AT)?[ -~]{1,100}$/i.test(value) ? { ...modem, init: [...modem.init, value.replace(/^AT/i, '')] } : null;
    case 'dial':
      // The number follows at once: nothing here may end the command.
      return /^D[TP]?[0-9,W@!*#]{0,10}$/i.test(value) ? { ...modem, dial: value.toUpperCase() } : null;
    case 'answer':
      return /^\d$/.test(value) ? { ...modem, answerAfterRings: Number(value) } : null;
    case 'locks':
      return /^\/[!-~]*$/.test(value) ? { ...modem, lockFolder: value } : null;
    default:
      return null;
  }
}

function rightOf(key: string): string {
  const rights: Readonly<Record<string, string>> = {
    name: 'name=office', driver: 'driver=native or driver=sendfax', class: 'class=auto, class=2 or class=2.0', speed: `speed=${SPEEDS.join(', ')}`, flow: 'flow=software or flow=hardware',
    profile: modemProfiles.join(', '), init: 'init="&F1M0"', dial: 'dial=DT, dial=DP or dial=DT0,', answer: 'answer=2 (rings; 0 to 9)', locks: 'locks=/var/lock',
  };
  return Object.hasOwn(rights, key) ? (rights[key] as string) : (nearestName(key, KEYS) ?? EXAMPLE);
}
