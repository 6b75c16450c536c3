/**
 * The `From PATH DATE remote from HOST` lines in front of a message by UUCP (RFC 976 §2.4), later ones perhaps with `>`:
 * the hosts in turn and the last line's user are the sender's path. LF or CRLF ends.
 */

export interface FromLines {
  /** Null: there is no such line. '' is the null reverse-path. */
  readonly path: string | null;
  /** Offset of the message itself. */
  readonly end: number;
}

const MOST_LINES = 64;
/** A longer one is no envelope line, whatever it begins with. */
export const LONGEST_FROM_LINE = 1024;
/** Enough of a message's beginning to be sure of. */
export const FROM_LINES_OCTETS = MOST_LINES * LONGEST_FROM_LINE;

const LINE = /^>?From[ \t]+(\S*)(?:[ \t](.*))?$/s;
const REMOTE = /(?:^|[ \t])remote[ \t]+from[ \t]+(\S+)[ \t]*$/;

/** `head` is the beginning of a message in latin1. */
export function parseFromLines(head: string): FromLines {
  let hosts = '';
  let user: string | null = null;
  let end = 0;
  for (let lines = 0; lines < MOST_LINES; lines++) {
    const lf = head.indexOf('\n', end);
    if (lf < 0 || lf - end > LONGEST_FROM_LINE) break;
    const line = head.slice(end, head[lf - 1] === '\r' && lf > end ? lf - 1 : lf);
    const found = LINE.exec(line);
    // The first line of a relayed message may only be `>From`; a body's own `>From` comes behind a header.
    if (found === null) break;
    const host = REMOTE.exec(found[2] ?? '')?.[1];
    if (host !== undefined) hosts += `${host}!`;
    user = found[1] ?? '';
    end = lf + 1;
  }
  if (user === null) return { path: null, end: 0 };
  return { path: isNobody(user) ? '' : `${hosts}${user}`, end };
}

/** How those without a null reverse-path write one: a report that must draw no report. */
function isNobody(user: string): boolean {
  return user === '' || user === '<>' || /(?:^|!)mailer-daemon$/i.test(user);
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `path` without our own name, which follows `remote from`; '' becomes MAILER-DAEMON. */
export function formatFromLine(path: string, at: number, host: string): string {
  const date = new Date(at);
  const two = (n: number) => String(n).padStart(2, '0');
  const day = String(date.getUTCDate()).padStart(2, ' ');
  const when = `${DAYS[date.getUTCDay()]} ${MONTHS[date.getUTCMonth()]} ${day} ${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} ${date.getUTCFullYear()}`;
  return `From ${path === '' ? 'MAILER-DAEMON' : path} ${when} remote from ${host}\n`;
}
