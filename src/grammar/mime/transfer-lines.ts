/** Content-Transfer-Encodings for text of this system, whose lines end with LF (RFC 2045 §6.7, §6.8); chunk by chunk. */
export type Transfer = '7bit' | '8bit' | 'quoted-printable' | 'base64';

export interface TransferEncoder {
  feed(chunk: Buffer): Buffer;
  finish(): Buffer;
}

const LINE_OCTETS = 76;
const BASE64_OCTETS = 57;
const LONGEST_LINE = 998; // RFC 5322 §2.1.1

export function openTransferEncoder(transfer: Transfer): TransferEncoder {
  if (transfer === 'base64') return openBase64();
  if (transfer === 'quoted-printable') return openQuotedPrintable();
  return { feed: chunk => chunk, finish: () => Buffer.alloc(0) };
}

function openBase64(): TransferEncoder {
  let held = Buffer.alloc(0);
  const lines = (octets: Buffer): Buffer => Buffer.from(octets.toString('base64').replaceAll(/.{76}(?=.)/g, '$&\n') + (octets.length > 0 ? '\n' : ''), 'latin1');
  return {
    feed(chunk) {
      const all = Buffer.concat([held, chunk]);
      const whole = all.length - (all.length % BASE64_OCTETS);
      held = all.subarray(whole);
      return lines(all.subarray(0, whole));
    },
    finish: () => lines(held),
  };
}

function openQuotedPrintable(): TransferEncoder {
  let held = '';
  const encode = (line: string): string => {
    const escaped = line.replaceAll(/[^\t -<>-~]/g, one => `=${one.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
      .replace(/[\t ]$/, one => `=${one === '\t' ? '09' : '20'}`);
    let out = '';
    let from = 0;
    while (escaped.length - from > LINE_OCTETS) {
      let end = from + LINE_OCTETS - 1;
      // An escape stays in one piece.
      if (escaped[end - 1] === '=') end -= 1;
      else if (escaped[end - 2] === '=') end -= 2;
      out += `${escaped.slice(from, end)}=\n`;
      from = end;
    }
    return out + escaped.slice(from);
  };
  return {
    feed(chunk) {
      held += chunk.toString('latin1');
      const cut = held.lastIndexOf('\n') + 1;
      const ready = held.slice(0, cut);
      held = held.slice(cut);
      return Buffer.from(ready.split('\n').map(encode).join('\n'), 'latin1');
    },
    finish: () => Buffer.from(encode(held), 'latin1'),
  };
}

export interface TransferSurvey {
  feed(chunk: Buffer): void;
  /** The least encoding that carries it, and whether it is text at all. */
  finish(): { readonly transfer: Transfer; readonly isText: boolean };
}

export function openTransferSurvey(): TransferSurvey {
  let line = 0;
  let longest = 0;
  let has8bit = false;
  let binary = false;
  return {
    feed(chunk) {
      for (const octet of chunk) {
        if (octet === 0x0a) line = 0;
        else if (++line > longest) longest = line;
        if (octet > 0x7f) has8bit = true;
        else if (octet < 0x20 && octet !== 0x0a && octet !== 0x0d && octet !== 0x09 && octet !== 0x0c && octet !== 0x1b) binary = true;
      }
    },
    finish: () => (binary ? { transfer: 'base64', isText: false } : { transfer: longest > LONGEST_LINE ? 'quoted-printable' : has8bit ? '8bit' : '7bit', isText: true }),
  };
}
