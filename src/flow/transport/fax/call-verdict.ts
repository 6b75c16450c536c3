/** What the end of a call means for the mail: try again, try again although it costs, or never (fax-uucp-socks 3.5). Pure. */
import type { FaxCallEnd } from '../../../core/fax.ts';
import type { Status } from '../../../core/status.ts';

export type CallVerdict =
  | { readonly kind: 'sent' }
  | {
      readonly kind: 'again';
      /** `free`: nothing was answered. `paid`: somebody was, so tries are counted. `line`: nothing was dialled. */
      readonly cost: 'free' | 'paid' | 'line';
      readonly status: Status<4>;
      readonly text: string;
      /** Somebody should look at the box. */
      readonly alarm?: true;
    }
  | { readonly kind: 'never'; readonly status: Status<5>; readonly text: string; readonly alarm?: true };

type Row = CallVerdict;

// RFC 3463 §3.5: 4.1 is a call that was not answered, or a busy line; 4.2 a connection that broke.
function free(text: string, alarm?: true): Row {
  return { kind: 'again', cost: 'free', status: '4.4.1', text, ...(alarm === undefined ? {} : { alarm }) };
}
function limited(text: string): Row {
  return { kind: 'again', cost: 'paid', status: '4.4.1', text };
}
function paid(text: string, alarm?: true): Row {
  return { kind: 'again', cost: 'paid', status: '4.4.2', text, ...(alarm === undefined ? {} : { alarm }) };
}
function line(text: string, alarm?: true): Row {
  return { kind: 'again', cost: 'line', status: '4.3.0', text, ...(alarm === undefined ? {} : { alarm }) };
}
function ours(text: string): Row {
  return { kind: 'never', status: '5.6.5', text, alarm: true };
}

const HANGUPS: Readonly<Record<number, Row>> = {
  0: paid('the call ended before the last page was confirmed'),
  1: limited('no fax machine shook hands'),
  2: free('the call was broken off here'),
  3: free('no loop current: the line is unplugged, or in use', true),
  4: free('no answer'),
  5: limited('somebody answered without a fax tone'),
  10: free('the call could not be set up'),
  11: limited('no fax machine answered'),
  20: paid('the machines could not agree'),
  21: { kind: 'never', status: '5.3.2', text: 'the other machine cannot receive a fax' },
  22: paid('the other machine was not understood'),
  23: paid('the other machine sent a wrong command'),
  24: paid('the other machine gave no clear answer'),
  25: paid('the other machine did not answer to our settings'),
  26: paid('the other machine did not understand our settings'),
  27: paid('the line is too bad even for the lowest speed'),
  28: paid('the other machine gave a wrong answer'),
  40: paid('the call broke within a page'),
  41: ours('the modem refuses the page: its format'),
  42: ours('the modem cannot convert the page'),
  43: paid('the modem ran out of data in a page', true),
  44: ours('the modem did not understand what was in the page'),
  45: ours('the modem refuses the page: its width'),
  46: ours('the modem refuses the page: its length'),
  47: ours('the modem refuses the page: its compression'),
  50: paid('the call broke behind a page'),
  51: paid('the answer to a page was not understood'),
  52: paid('no answer to a page'),
  53: paid('a wrong answer to a page'),
  54: paid('no answer to the last page'),
  55: paid('a wrong answer to the last page'),
  56: paid('no answer at the end of a document'),
  57: paid('a wrong answer at the end of a document'),
  58: paid('the other side wanted to speak'),
};

export function verdictOf(end: FaxCallEnd): CallVerdict {
  switch (end.kind) {
    case 'sent':
      return { kind: 'sent' };
    case 'busy':
      return free('busy');
    case 'no-answer':
      return free('no answer');
    case 'no-dialtone':
      return free('no dial tone', true);
    case 'no-carrier':
      return limited('no fax machine answered');
    case 'voice':
      return limited('a person answered');
    case 'blacklisted':
      return { kind: 'again', cost: 'line', status: '4.4.1', text: 'the modem will not dial this number again for a while', alarm: true };
    case 'unavailable':
      return line(UNAVAILABLE[end.why], end.why === 'in-use' ? undefined : true);
    case 'hangup':
      return HANGUPS[end.code] ?? paid(`the modem hung up with code ${end.code}`);
    case 'lost':
      return paid(end.why === 'carrier' ? 'the connection was lost' : end.why === 'silence' ? 'the modem fell silent' : end.why === 'garbage' ? 'the modem spoke nonsense' : 'the modem was unplugged', end.why === 'carrier' ? undefined : true);
    case 'aborted':
      return line('the call was broken off here');
    default:
      return end satisfies never;
  }
}

const UNAVAILABLE = {
  absent: 'there is no modem', 'in-use': 'all modems are in use', silent: 'the modem does not answer', unplugged: 'the modem was unplugged', refuses: 'the modem refuses its settings',
} as const;
