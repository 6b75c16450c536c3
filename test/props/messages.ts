/** Messages for tests: small, valid, recognisable by a token that survives every hop. */
export interface Wanted {
  readonly token: string;
  readonly subject?: string;
  /** Whole size, roughly; filled with lines of 72 letters. */
  readonly octets?: number;
  readonly from?: string;
  readonly to?: string;
}

const letters = `${'abcdefghijklmnopqrstuvwxyz'.repeat(3).slice(0, 72)}\r\n`;

/** CRLF line ends, not dot-stuffed. */
export function messageText(wanted: Wanted): string {
  const header = [
    `From: <${wanted.from ?? 'ada@sender.example'}>`,
    `To: <${wanted.to ?? 'bob@there.example'}>`,
    `Subject: ${wanted.subject ?? 'A word in passing'}`,
    'Date: Sat, 21 Nov 2026 09:00:00 +0000',
    `Message-ID: <${wanted.token}@sender.example>`,
    `X-Token: ${wanted.token}`,
  ].join('\r\n');
  const rest = Math.max(0, (wanted.octets ?? 0) - header.length - 4);
  return `${header}\r\n\r\n${rest > 0 ? letters.repeat(Math.ceil(rest / letters.length)) : 'Good morning.\r\n'}`;
}

/** Content as DATA wants it (RFC 5321 §4.5.2): dots doubled at line starts, the final dot added. */
export function dotStuffed(content: Uint8Array): Buffer {
  const text = Buffer.from(content).toString('latin1').replace(/^\./gm, (dot, at: number, all: string) => (at === 0 || all[at - 2] === '\r' ? '..' : dot));
  return Buffer.from(`${text}${text.endsWith('\r\n') ? '' : '\r\n'}.\r\n`, 'latin1');
}

export function tokenOf(content: Uint8Array): string | undefined {
  const octets = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  const at = octets.indexOf('X-Token: ');
  if (at < 0) return undefined;
  const end = octets.indexOf('\r\n', at);
  return octets.toString('latin1', at + 9, end < 0 ? octets.length : end);
}
