/**
 * Modems that differ, as data. The first profile whose words stand in the modem's own identity is taken; a modem nobody
 * has heard of gets the last one, which assumes little.
 */
import type { DialectName } from './dialects.ts';

export interface ModemProfile {
  readonly name: string;
  readonly match: RegExp;
  /** Which class, where it has both. */
  readonly prefer: DialectName;
  /** Sent after the reset; ERROR to one of them is no trouble. */
  readonly init: readonly string[];
  /** Class 2 has no word of its own for flow control: the maker's. Class 2.0 has +FLO. */
  readonly flow: { readonly software: string; readonly hardware: string };
  /** Page octets that may be under way before the modem can have said DC3. */
  readonly aheadOctets: number;
  /** Class 2: what starts a page on its way in. */
  readonly startPage: number;
  /** How page octets come in at +FBOR=0, for the first guess; a page that reads better the other way round is turned. */
  readonly arrivesTurned: boolean;
  /** Caller's number between the first rings. */
  readonly callerId: readonly string[];
  /** Some never send class 2's DC1: the page begins with CONNECT. */
  readonly saysStart: boolean;
  readonly highestRate: number;
}

const DC1 = 0x11;
const DC2 = 0x12;

const plain: ModemProfile = {
  name: 'standard', match: /^/, prefer: '2.0', init: [], flow: { software: '&K4', hardware: '&K3' }, aheadOctets: 256, startPage: DC2,
  arrivesTurned: false, callerId: ['+VCID=1', '#CID=1'], saysStart: true, highestRate: 14_400,
};

export const PROFILES: readonly ModemProfile[] = [
  { ...plain, name: 'simulator', match: /POSTHORN.*SIMULATOR/i, prefer: '2.0' },
  // Its class 2.0 is the maker's main road; class 2 came later and only on some.
  { ...plain, name: 'usrobotics', match: /U\.?S\.? ?ROBOTICS|3COM|SPORTSTER|COURIER/i, prefer: '2.0', init: ['&A3', '&B1'], flow: { software: '&H2&I2', hardware: '&H1&R2' }, callerId: ['#CID=1'] },
  // Class 2 as the draft's own author shipped it, received octets the other way round included.
  { ...plain, name: 'rockwell', match: /ROCKWELL|CONEXANT|RC\d{2,3}|CX\d{5}|AC\/?K|SMARTLINK|HSF|HCF/i, prefer: '2' },
  { ...plain, name: 'zyxel', match: /ZYXEL|U-?1496|OMNI/i, prefer: '2.0', flow: { software: '&H4', hardware: '&H3' }, callerId: ['S40.2=1'] },
  { ...plain, name: 'multitech', match: /MULTI-?TECH|MT\d{4}/i, prefer: '2', flow: { software: '&E5', hardware: '&E4' }, startPage: DC1 },
  { ...plain, name: 'lucent', match: /LUCENT|AGERE|AT&T|DP2|VENUS|LT V\.9/i, prefer: '2', flow: { software: '\\Q1', hardware: '\\Q3' } },
  { ...plain, name: 'hayes', match: /HAYES|OPTIMA|ACCURA/i, prefer: '2' },
  plain,
];

export function profileFor(identity: string): ModemProfile {
  return PROFILES.find(profile => profile.match.test(identity)) ?? plain;
}
