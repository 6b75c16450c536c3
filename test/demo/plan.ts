/** Who writes to whom in the demonstration, and what is to become of it. */
export type Fate = 'delivered' | 'failed';

export interface PlannedLetter {
  /** A file of test/corpus. */
  readonly letter: string;
  readonly from: string;
  readonly to: Readonly<Record<string, Fate>>;
  readonly rcptParameters?: string;
  /** Reports the sender should get, by Action (RFC 3464 §2.3.3). */
  readonly reports: readonly string[];
  /** Said beside it. */
  readonly note: string;
}

const [ada, joerg] = ['ada@office.example', 'joerg@office.example'];

export const plan: readonly PlannedLetter[] = [
  { letter: 'plain', from: ada, to: { 'bob@partner.example': 'delivered' }, reports: [], note: 'a letter' },
  { letter: 'signed', from: 'payroll@office.example', to: { 'bob@partner.example': 'delivered' }, reports: [], note: 'signed: not one octet may change' },
  { letter: 'utf8-text', from: joerg, to: { 'marie@old.example': 'delivered' }, reports: [], note: '8-bit text to a server that knows seven' },
  { letter: 'html-with-picture', from: 'news@office.example', to: { 'marie@old.example': 'delivered' }, reports: [], note: 'the same with parts and a picture' },
  { letter: 'latin1-eight-bit', from: 'bjorn@office.example', to: { 'marie@partner.example': 'delivered' }, reports: [], note: 'ISO 8859-1' },
  { letter: 'scanner-pdf', from: 'scanner-2f@office.example', to: { 'accounts@far.example': 'delivered' }, reports: [], note: 'a scanner, through a SOCKS proxy' },
  { letter: 'leading-dots', from: 'ops@office.example', to: { 'bob@far.example': 'delivered' }, reports: [], note: 'lines of dots, through the proxy' },
  { letter: 'invitation', from: 'grace@office.example', to: { 'bob@busy.example': 'delivered' }, reports: [], note: 'the next hop says "later" twice' },
  { letter: 'long-lines', from: 'robot@office.example', to: { 'accounts@busy.example': 'delivered' }, reports: [], note: 'the same, with a line of 998 octets' },
  { letter: 'html-alternative', from: 'tickets@office.example', to: { 'bob@partner.example': 'delivered', 'nobody@grumpy.example': 'failed' }, reports: ['failed'], note: 'one of two is refused' },
  { letter: 'list-mail', from: 'rust-belt-owner-nobody=grumpy.example@lists.office.example', to: { 'nobody@grumpy.example': 'failed' }, reports: ['failed'], note: 'a list finds its dead address (VERP)' },
  { letter: 'forwarded', from: 'marie@office.example', to: { 'bob@old.example': 'delivered' }, rcptParameters: ' NOTIFY=SUCCESS,FAILURE', reports: ['relayed'], note: 'asks for a receipt' },
];

/** Where a modem can be played: by telephone, to a fax machine that the simulator is. */
export const byFax: PlannedLetter = {
  letter: 'plain', from: ada, to: { '5551212@fax': 'delivered' }, rcptParameters: ' NOTIFY=SUCCESS,FAILURE', reports: ['delivered'], note: 'to a fax machine, by a class 2 modem',
};

/** One more, that goes nowhere: warned about, then cancelled by its writer. */
export const hopeless: PlannedLetter = {
  letter: 'plain', from: ada, to: { 'never@asleep.example': 'failed' }, reports: ['delayed', 'failed'], note: 'nobody wakes: a warning, then cancelled',
};
