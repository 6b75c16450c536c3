/** What is said to Courier and to us alike. The office that both serve is in courier-office.sh and in officeFiles. */

export interface Dialogue {
  readonly name: string;
  readonly from: keyof typeof clients;
  readonly steps: readonly Step[];
}

/** A line, sent with CRLF and answered once; octets with their number of answers; or TLS from here on. */
export type Step = string | { readonly write: string; readonly answers: number; readonly shown: string } | { readonly tls: true };

/** By address: what smtpaccess says of each. */
export const clients = { stranger: '127.0.0.1', ours: '127.0.0.2', denied: '127.0.0.3', blocked: '127.0.0.4' } as const;

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const content = (text: string, shown: string): Step => ({ write: `${text}\r\n.\r\n`, answers: 1, shown });
const message = (header = ''): Step => content(`From: <a@there.example>\r\nTo: <ada@here.example>\r\n${header}Subject: x\r\n\r\nhello`, 'a message');
const open = ['EHLO client.example', 'MAIL FROM:<a@there.example>'] as const;
const ready = [...open, 'RCPT TO:<ada@here.example>'] as const;

function dialogue(name: string, ...steps: readonly Step[]): Dialogue {
  return { name, from: 'stranger', steps };
}
function of(from: Dialogue['from'], name: string, ...steps: readonly Step[]): Dialogue {
  return { name, from, steps };
}

export const dialogues: readonly Dialogue[] = [
  dialogue('what EHLO offers', 'EHLO client.example'),
  dialogue('one message', ...ready, 'DATA', message(), 'QUIT'),
  dialogue('HELO', 'HELO client.example', 'MAIL FROM:<a@there.example>', 'RCPT TO:<ada@here.example>', 'DATA', message(), 'QUIT'),
  dialogue('small letters', 'ehlo client.example', 'mail from:<a@there.example>', 'rcpt to:<ada@here.example>', 'data', message(), 'quit'),
  dialogue('two messages', ...ready, 'DATA', message(), 'MAIL FROM:<b@there.example>', 'RCPT TO:<ada@here.example>', 'DATA', message('X-Second: 1\r\n')),

  dialogue('no greeting', 'MAIL FROM:<a@there.example>', 'RCPT TO:<ada@here.example>', 'DATA'),
  dialogue('MAIL twice', ...open, 'MAIL FROM:<b@there.example>'),
  dialogue('RCPT first', 'EHLO client.example', 'RCPT TO:<ada@here.example>'),
  dialogue('DATA first', 'EHLO client.example', 'DATA'),
  dialogue('DATA without recipient', ...open, 'DATA'),
  dialogue('DATA after refused recipients', ...open, 'RCPT TO:<nobody@here.example>', 'DATA'),
  dialogue('RSET forgets', ...ready, 'RSET', 'DATA', 'RCPT TO:<ada@here.example>', 'MAIL FROM:<a@there.example>'),
  dialogue('EHLO forgets', ...ready, 'EHLO again.example', 'DATA'),
  dialogue('HELO forgets', ...ready, 'HELO again.example', 'DATA'),
  dialogue('EHLO without a name', 'EHLO', 'EHLO '),
  dialogue('HELO without a name', 'HELO'),
  dialogue('EHLO with a literal', 'EHLO [127.0.0.1]', 'MAIL FROM:<a@there.example>'),
  dialogue('EHLO with a bad name', 'EHLO not_a name!', 'MAIL FROM:<a@there.example>'),
  dialogue('words behind commands', 'EHLO client.example', 'NOOP hello', 'RSET now', 'HELP', 'HELP MAIL'),
  dialogue('QUIT with a word', 'EHLO client.example', 'QUIT now'),
  dialogue('no command', 'EHLO client.example', 'FOO', 'TURN', 'SEND FROM:<a@b.example>', 'EHLOX', 'MAILFROM:<a@b.example>', 'DATA now', 'NOOP'),
  dialogue('an empty line', 'EHLO client.example', '', 'NOOP'),
  dialogue('a very long command', 'EHLO client.example', { write: `NOOP ${'x'.repeat(4000)}\r\n`, answers: 1, shown: 'NOOP and 4000 letters' }, 'NOOP'),

  dialogue('null sender', 'EHLO client.example', 'MAIL FROM:<>', 'RCPT TO:<ada@here.example>'),
  dialogue('sender without brackets', 'EHLO client.example', 'MAIL FROM:a@there.example'),
  dialogue('sender after a blank', 'EHLO client.example', 'MAIL FROM: <a@there.example>', 'RCPT TO: <ada@here.example>'),
  dialogue('sender without a domain', 'EHLO client.example', 'MAIL FROM:<a>'),
  dialogue('sender of a domain alone', 'EHLO client.example', 'MAIL FROM:<@there.example>'),
  dialogue('sender with a source route', 'EHLO client.example', 'MAIL FROM:<@relay.example:a@there.example>', 'RCPT TO:<@relay.example:ada@here.example>'),
  dialogue('sender with a quoted name', 'EHLO client.example', 'MAIL FROM:<"a b"@there.example>'),
  dialogue('sender at a literal', 'EHLO client.example', 'MAIL FROM:<a@[192.0.2.1]>'),
  dialogue('sender with two @', 'EHLO client.example', 'MAIL FROM:<a@b@there.example>'),
  dialogue('sender without a word', 'EHLO client.example', 'MAIL', 'MAIL FROM', 'MAIL TO:<a@there.example>', 'MAIL FROM:'),
  dialogue('sender with dots', 'EHLO client.example', 'MAIL FROM:<a..b@there.example>'),
  dialogue('a bad sender', 'EHLO client.example', 'MAIL FROM:<x@bad.example>', 'RCPT TO:<ada@here.example>'),
  dialogue('letters beyond ASCII', 'EHLO client.example', 'MAIL FROM:<ä@there.example>', 'MAIL FROM:<ä@there.example> SMTPUTF8', 'RCPT TO:<ada@here.example>'),

  dialogue('unknown recipient', ...open, 'RCPT TO:<nobody@here.example>', 'RCPT TO:<ada@here.example>'),
  dialogue('aliases', ...open, 'RCPT TO:<team@here.example>', 'RCPT TO:<support@here.example>', 'RCPT TO:<TEAM@HERE.EXAMPLE>'),
  dialogue('case', ...open, 'RCPT TO:<ADA@Here.Example>', 'RCPT TO:<ada@here.example.>'),
  dialogue('an extension', ...open, 'RCPT TO:<ada-lists@here.example>'),
  dialogue('Postmaster', ...open, 'RCPT TO:<Postmaster>', 'RCPT TO:<postmaster@here.example>', 'RCPT TO:<ada>'),
  dialogue('a recipient elsewhere', ...open, 'RCPT TO:<x@elsewhere.example>', 'RCPT TO:<x@accepted.example>', 'RCPT TO:<x@sub.accepted.example>'),
  of('ours', 'a recipient elsewhere, of ours', ...open, 'RCPT TO:<x@elsewhere.example>', 'RCPT TO:<x@accepted.example>', 'RCPT TO:<nobody@here.example>'),
  dialogue('tricks of relaying', ...open, 'RCPT TO:<x%elsewhere.example@here.example>', 'RCPT TO:<"x@elsewhere.example"@here.example>', 'RCPT TO:<elsewhere.example!x@here.example>', 'RCPT TO:<x@elsewhere.example@here.example>', 'RCPT TO:<@here.example:x@elsewhere.example>', 'RCPT TO:<x@[127.0.0.1]>', 'RCPT TO:<x@[192.0.2.9]>'),
  dialogue('a recipient that is none', ...open, 'RCPT TO:<>', 'RCPT TO:', 'RCPT', 'RCPT FROM:<ada@here.example>', 'RCPT TO:ada@here.example', 'RCPT TO:<ada@here.example', 'RCPT TO:<ada@here..example>', 'RCPT TO:<a b@here.example>'),
  dialogue('the same twice', ...ready, 'RCPT TO:<ada@here.example>', 'DATA', message()),
  dialogue('more recipients than maxrcpts', ...open, ...[1, 2, 3, 4, 5, 6, 7].map(n => `RCPT TO:<x${n}@accepted.example>`)),

  of('denied', 'a denied address', 'EHLO client.example'),
  of('blocked', 'a blocked address', ...open, 'RCPT TO:<ada@here.example>', 'DATA'),
  of('blocked', 'a blocked address that logs in', 'EHLO client.example', `AUTH PLAIN ${base64('\0ada\0secret')}`, 'MAIL FROM:<a@there.example>', 'RCPT TO:<ada@here.example>'),

  dialogue('SIZE', 'EHLO client.example', 'MAIL FROM:<a@there.example> SIZE=1000', 'RSET', 'MAIL FROM:<a@there.example> SIZE=200000', 'MAIL FROM:<a@there.example> SIZE=x', 'MAIL FROM:<a@there.example> SIZE'),
  dialogue('a message larger than it may be', ...ready, 'DATA', content(`Subject: x\r\n\r\n${`${'y'.repeat(70)}\r\n`.repeat(3000)}`, '216,000 octets'), 'NOOP'),
  dialogue('DSN parameters', 'EHLO client.example', 'MAIL FROM:<a@there.example> RET=HDRS ENVID=q+2B1', 'RCPT TO:<ada@here.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;ada@here.example', 'RCPT TO:<bob@here.example> NOTIFY=NEVER'),
  dialogue('bad DSN parameters', 'EHLO client.example', 'MAIL FROM:<a@there.example> RET=SOME', 'RSET', 'MAIL FROM:<a@there.example> ENVID=a+ZZ', 'RSET', 'MAIL FROM:<a@there.example>', 'RCPT TO:<ada@here.example> NOTIFY=NEVER,SUCCESS', 'RCPT TO:<ada@here.example> NOTIFY=SOMETIMES', 'RCPT TO:<ada@here.example> ORCPT=nonsense'),
  dialogue('DSN parameters after HELO', 'HELO client.example', 'MAIL FROM:<a@there.example> RET=FULL'),
  dialogue('unknown parameters', 'EHLO client.example', 'MAIL FROM:<a@there.example> FOO=BAR', 'RSET', 'MAIL FROM:<a@there.example> BODY=8BITMIME', 'RCPT TO:<ada@here.example> FOO=BAR'),
  dialogue('BODY', 'EHLO client.example', 'MAIL FROM:<a@there.example> BODY=BINARYMIME', 'RSET', 'MAIL FROM:<a@there.example> BODY=7BIT', 'RSET', 'MAIL FROM:<a@there.example> BODY=9BIT'),
  dialogue('VERP', 'EHLO client.example', 'MAIL FROM:<a@there.example> VERP', 'RSET', 'MAIL FROM:<> VERP'),
  dialogue('EXDATA', 'EHLO client.example', 'MAIL FROM:<a@there.example> EXDATA', 'RCPT TO:<ada@here.example>'),
  dialogue('SECURITY', 'EHLO client.example', 'MAIL FROM:<a@there.example> SECURITY=NONE', 'RSET', 'MAIL FROM:<a@there.example> SECURITY=STARTTLS'),

  dialogue('PIPELINING', 'EHLO client.example', { write: 'MAIL FROM:<a@there.example>\r\nRCPT TO:<ada@here.example>\r\nRCPT TO:<nobody@here.example>\r\nDATA\r\n', answers: 4, shown: 'MAIL, two RCPT and DATA at once' }, message(), 'QUIT'),
  dialogue('PIPELINING, all refused', 'EHLO client.example', { write: 'MAIL FROM:<a@there.example>\r\nRCPT TO:<nobody@here.example>\r\nDATA\r\n', answers: 3, shown: 'MAIL, RCPT and DATA at once' }, 'RSET'),
  dialogue('VRFY', 'EHLO client.example', 'VRFY ada', 'VRFY <ada@here.example>', 'VRFY nobody', 'VRFY team', 'VRFY x@elsewhere.example', 'VRFY'),
  dialogue('EXPN', 'EHLO client.example', 'EXPN team', 'EXPN ada', 'EXPN nobody', 'EXPN x@elsewhere.example', 'EXPN'),
  dialogue('ETRN', 'EHLO client.example', 'ETRN here.example'),
  dialogue('BDAT', ...ready, { write: 'BDAT 5 LAST\r\nhello', answers: 1, shown: 'BDAT 5 LAST' }),

  dialogue('AUTH PLAIN', 'EHLO client.example', `AUTH PLAIN ${base64('\0ada\0secret')}`, 'MAIL FROM:<a@there.example>', 'RCPT TO:<x@elsewhere.example>'),
  dialogue('AUTH PLAIN in two steps', 'EHLO client.example', 'AUTH PLAIN', base64('\0ada\0secret')),
  dialogue('AUTH LOGIN', 'EHLO client.example', 'AUTH LOGIN', base64('ada'), base64('secret')),
  dialogue('AUTH LOGIN with the name', 'EHLO client.example', `AUTH LOGIN ${base64('ada')}`, base64('secret')),
  dialogue('a wrong password', 'EHLO client.example', `AUTH PLAIN ${base64('\0ada\0Secret')}`, `AUTH PLAIN ${base64('\0ada\0secret')}`),
  dialogue('nobody logs in', 'EHLO client.example', `AUTH PLAIN ${base64('\0zoe\0secret')}`),
  dialogue('AUTH given up', 'EHLO client.example', 'AUTH LOGIN', '*', 'NOOP'),
  dialogue('AUTH nonsense', 'EHLO client.example', 'AUTH PLAIN not-base64!', 'NOOP'),
  dialogue('AUTH without a mechanism', 'EHLO client.example', 'AUTH', 'AUTH KERBEROS_V4', 'AUTH GSSAPI'),
  dialogue('AUTH twice', 'EHLO client.example', `AUTH PLAIN ${base64('\0ada\0secret')}`, 'AUTH LOGIN'),
  dialogue('AUTH within a transaction', ...open, `AUTH PLAIN ${base64('\0ada\0secret')}`),
  dialogue('AUTH before EHLO', `AUTH PLAIN ${base64('\0ada\0secret')}`),
  dialogue('AUTH= of MAIL', 'EHLO client.example', 'MAIL FROM:<a@there.example> AUTH=<>', 'RSET', 'MAIL FROM:<a@there.example> AUTH=a@there.example'),

  dialogue('STARTTLS', 'EHLO client.example', 'STARTTLS', { tls: true }, 'MAIL FROM:<a@there.example>', 'EHLO client.example', 'STARTTLS', 'MAIL FROM:<a@there.example>', 'RCPT TO:<ada@here.example>', 'DATA', message()),
  dialogue('STARTTLS before EHLO', 'STARTTLS'),
  dialogue('STARTTLS with a word', 'EHLO client.example', 'STARTTLS now'),
  dialogue('STARTTLS within a transaction', ...open, 'STARTTLS'),

  dialogue('an empty message', ...ready, 'DATA', { write: '.\r\n', answers: 1, shown: 'nothing at all' }),
  dialogue('a message without a header', ...ready, 'DATA', content('just text', 'text'), 'NOOP'),
  dialogue('a message of a header', ...ready, 'DATA', content('Subject: alone', 'a header')),
  dialogue('dots', ...ready, 'DATA', content('Subject: x\r\n\r\n..\r\n.. x\r\n.', 'dots')),
  dialogue('a line of 5,000 letters', ...ready, 'DATA', content(`Subject: x\r\n\r\n${'z'.repeat(5000)}`, 'a long line')),
  dialogue('a NUL', ...ready, 'DATA', content('Subject: x\r\n\r\na\u0000b', 'a NUL')),
  dialogue('a bare LF in content', ...ready, 'DATA', content('Subject: x\r\n\r\na\nb', 'a bare LF')),
  dialogue('a bare CR in content', ...ready, 'DATA', content('Subject: x\r\n\r\na\rb', 'a bare CR')),
  dialogue('LF.LF', ...ready, 'DATA', { write: 'Subject: x\r\n\r\na\n.\nNOOP\r\n.\r\n', answers: 1, shown: 'LF.LF and a command' }),
  dialogue('LF.CRLF', ...ready, 'DATA', { write: 'Subject: x\r\n\r\na\n.\r\nNOOP\r\n.\r\n', answers: 1, shown: 'LF.CRLF and a command' }),
  dialogue('letters beyond ASCII in the header', ...ready, 'DATA', content('Subject: gr\u00fcn\r\n\r\nx', 'a header in UTF-8')),
  dialogue('letters beyond ASCII without a type', ...ready, 'DATA', content('Subject: x\r\n\r\ngr\u00fcn', 'a body in UTF-8')),
  dialogue('a broken multipart', ...ready, 'DATA', content('MIME-Version: 1.0\r\nContent-Type: multipart/mixed\r\n\r\nx', 'no boundary')),
  dialogue('too many hops', ...ready, 'DATA', content(`${'Received: from a by b; Sat, 21 Nov 2026 10:00:00 +0000\r\n'.repeat(120)}Subject: x\r\n\r\nx`, '120 Received fields')),
  dialogue('a header of 118,000 octets', ...ready, 'DATA', content(`${`X-Long: ${'h'.repeat(900)}\r\n`.repeat(130)}Subject: x\r\n\r\nx`, '130 long fields')),
  dialogue('bare LF behind commands', { write: 'EHLO client.example\n', answers: 1, shown: 'EHLO and LF' }, { write: 'NOOP\n', answers: 1, shown: 'NOOP and LF' }),
  dialogue('an HTTP request', 'GET / HTTP/1.1'),
  dialogue('quoted recipients', ...open, 'RCPT TO:<"ada"@here.example>', 'RCPT TO:<"a\\da"@here.example>', 'RCPT TO:<"ada@elsewhere.example"@here.example>', 'RCPT TO:<"../../etc/passwd"@here.example>', 'RCPT TO:<"|id"@here.example>'),
  dialogue('names that are files', ...open, 'RCPT TO:<../ada@here.example>', 'RCPT TO:</etc/passwd@here.example>', 'RCPT TO:<|id@here.example>', 'RCPT TO:<.ada@here.example>', 'RCPT TO:<-ada@here.example>', 'RCPT TO:<.courier@here.example>'),
  dialogue('a recipient at our own address', ...open, 'RCPT TO:<ada@[127.0.0.1]>', 'RCPT TO:<nobody@[127.0.0.1]>', 'RCPT TO:<ada@[IPv6:::1]>'),
  of('ours', 'a literal elsewhere, of ours', ...open, 'RCPT TO:<x@[192.0.2.9]>'),
  of('ours', 'percent, of ours', ...open, 'RCPT TO:<x%elsewhere.example@here.example>', 'RCPT TO:<elsewhere.example!x>'),
  dialogue('small letters in parameters', 'EHLO client.example', 'MAIL FROM:<a@there.example> size=100 body=8bitmime ret=full', 'RCPT TO:<ada@here.example> notify=success orcpt=RFC822;ada@here.example'),
  dialogue('parameters twice', 'EHLO client.example', 'MAIL FROM:<a@there.example> SIZE=1 SIZE=2', 'RSET', 'MAIL FROM:<a@there.example>', 'RCPT TO:<ada@here.example> NOTIFY=NEVER NOTIFY=DELAY'),
  dialogue('no blank before a parameter', 'EHLO client.example', 'MAIL FROM:<a@there.example>SIZE=1'),
  dialogue('a tab', 'EHLO client.example', 'MAIL FROM:<a@there.example>\tSIZE=1', 'MAIL\tFROM:<a@there.example>'),
  dialogue('RCPT after a refused sender', 'EHLO client.example', 'MAIL FROM:<a@@there>', 'RCPT TO:<ada@here.example>', 'DATA'),
  dialogue('a new transaction after RSET', ...ready, 'RSET', 'MAIL FROM:<b@there.example>', 'RCPT TO:<ada@here.example>', 'DATA', message()),
  dialogue('three messages in a breath', 'EHLO client.example', {
    write: 'MAIL FROM:<a@there.example>\r\nRCPT TO:<ada@here.example>\r\nRSET\r\nMAIL FROM:<b@there.example>\r\nRCPT TO:<nobody@here.example>\r\nRSET\r\nMAIL FROM:<c@there.example>\r\nRCPT TO:<bob@here.example>\r\nNOOP\r\n',
    answers: 9, shown: 'MAIL, RCPT and RSET three times',
  }),
  dialogue('EXDATA, answers for each', 'EHLO client.example', 'MAIL FROM:<a@there.example> EXDATA', 'RCPT TO:<ada@here.example>', 'RCPT TO:<bob@here.example>', 'DATA', message()),
  dialogue('a recipient in UTF-8', 'EHLO client.example', 'MAIL FROM:<a@there.example> SMTPUTF8', 'RCPT TO:<\u00e4@here.example>', 'RCPT TO:<x@\u00e4.example>'),
  dialogue('a recipient in UTF-8 without SMTPUTF8', ...open, 'RCPT TO:<\u00e4@here.example>'),
  dialogue('a domain in A-labels', 'EHLO client.example', 'MAIL FROM:<a@xn--4ca.example>', 'RCPT TO:<ada@here.example>'),
  dialogue('a header of colons', ...ready, 'DATA', content(':\r\n: x\r\n\r\nx', 'fields without names')),
  dialogue('a header with a continuation first', ...ready, 'DATA', content(' folded\r\nSubject: x\r\n\r\nx', 'a blank first')),
  dialogue('two From fields', ...ready, 'DATA', content('From: a@there.example\r\nFrom: b@there.example\r\nSubject: x\r\n\r\nx', 'two From')),
  dialogue('base64 that is none', ...ready, 'DATA', content('MIME-Version: 1.0\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!', 'nonsense as base64')),
  dialogue('an encoding that nobody knows', ...ready, 'DATA', content('MIME-Version: 1.0\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: x-klingon\r\n\r\nx', 'x-klingon')),
  dialogue('8 bits declared 7', ...ready, 'DATA', content('MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\ngr\u00fcn', '7bit that is not')),
  dialogue('a multipart in a multipart in a multipart', ...ready, 'DATA', content(`MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b0\r\n\r\n${Array.from({ length: 60 }, (_, n) => `--b${n}\r\nContent-Type: multipart/mixed; boundary=b${n + 1}\r\n\r\n`).join('')}--b60\r\n\r\nx\r\n--b60--\r\n`, 'sixty levels')),
  dialogue('content without waiting for 354', 'EHLO client.example', { write: 'MAIL FROM:<a@there.example>\r\nRCPT TO:<ada@here.example>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\nQUIT\r\n', answers: 5, shown: 'everything at once' }),
];

/** The office, as our folder says it. */
export const officeFiles: Readonly<Record<string, string>> = {
  me: 'mx.here.example\n',
  defaultdomain: 'here.example\n',
  locals: 'here.example\n',
  esmtpacceptmailfor: 'here.example\naccepted.example\n',
  sizelimit: '150000\n',
  'smtpaccess/default': '127.0.0.2\tallow,RELAYCLIENT\n127.0.0.3\tdeny\n127.0.0.4\tallow,BLOCK="Not you"\n',
  bofh: 'badfrom @bad.example\nmaxrcpts 5\n',
  aliases: 'postmaster: ada\nteam: ada, bob\nsupport: ada\n',
};
