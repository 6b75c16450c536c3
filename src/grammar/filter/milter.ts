/**
 * The milter protocol, version 6: packets of a four-octet length, a command letter and its data; texts end in NUL.
 * Only letters and numbers are here; who says what when is the client's.
 */
export const MILTER_VERSION = 6;

/** Actions that we let a milter take. Changing the reverse-path is not among them: reports would go elsewhere. */
export const ACTIONS = { addFields: 0x01, changeBody: 0x02, addRecipients: 0x04, dropRecipients: 0x08, changeFields: 0x10, quarantine: 0x20, addRecipientsWithArguments: 0x80 } as const;
export const OFFERED_ACTIONS = 0xbf;

/** Steps that a milter may ask us to leave out, or not to wait for. */
export const STEPS = {
  noConnect: 0x1, noHelo: 0x2, noMail: 0x4, noRcpt: 0x8, noBody: 0x10, noFields: 0x20, noEndOfHeader: 0x40, silentFields: 0x80, noUnknown: 0x100, noContent: 0x200,
  skip: 0x400, silentConnect: 0x1000, silentHelo: 0x2000, silentMail: 0x4000, silentRcpt: 0x8000, silentContent: 0x10000, silentEndOfHeader: 0x40000, silentBody: 0x80000, leadingSpace: 0x100000,
} as const;
/** All but refused recipients, which no intake shows us. */
export const OFFERED_STEPS = 0x1ff7ff;

export type MilterReply =
  | { readonly kind: 'negotiated'; readonly version: number; readonly actions: number; readonly steps: number }
  | { readonly kind: 'continue' | 'accept' | 'reject' | 'defer' | 'discard' | 'skip' | 'progress' }
  | { readonly kind: 'reply'; readonly text: string }
  | { readonly kind: 'append-field'; readonly name: string; readonly value: string }
  | { readonly kind: 'insert-field' | 'change-field'; readonly at: number; readonly name: string; readonly value: string }
  | { readonly kind: 'body'; readonly octets: Uint8Array }
  | { readonly kind: 'add-recipient' | 'drop-recipient'; readonly address: string }
  | { readonly kind: 'quarantine'; readonly why: string }
  | { readonly kind: 'unknown'; readonly letter: string };

/** A packet larger than this is none: a body chunk has at most 64 KiB by default, 1 MiB where that was negotiated. */
export const PACKET_OCTETS = 1024 * 1024 + 16;

export function formatPacket(letter: string, data: Uint8Array | string = ''): Buffer {
  const octets = typeof data === 'string' ? Buffer.from(data, 'utf8') : data;
  const head = Buffer.alloc(5);
  head.writeUInt32BE(octets.length + 1);
  head.write(letter, 4, 'latin1');
  return Buffer.concat([head, octets]);
}

export function formatNegotiation(): Buffer {
  const data = Buffer.alloc(12);
  data.writeUInt32BE(MILTER_VERSION, 0);
  data.writeUInt32BE(OFFERED_ACTIONS, 4);
  data.writeUInt32BE(OFFERED_STEPS, 8);
  return formatPacket('O', data);
}

/** Texts of one command, each ended by NUL; one inside would end it early. */
export function texts(...all: readonly string[]): string {
  return all.map(text => `${text.replaceAll('\0', '')}\0`).join('');
}

export function formatMacros(command: string, macros: readonly (readonly [string, string | undefined])[]): Buffer {
  return formatPacket('D', command + macros.map(([name, value]) => (value === undefined ? '' : texts(name, value))).join(''));
}

export function formatConnect(host: string, address: string, port: number): Buffer {
  const family = address.includes(':') ? '6' : '4';
  const number = Buffer.alloc(2);
  number.writeUInt16BE(port);
  return formatPacket('C', Buffer.concat([Buffer.from(`${texts(host)}${family}`), number, Buffer.from(texts(address))]));
}

/** The next whole packet of what has come, and where it ends; null: more must come; 'garbage': this is no milter. */
export function takePacket(octets: Buffer): { readonly letter: string; readonly data: Buffer; readonly end: number } | null | 'garbage' {
  if (octets.length < 4) return null;
  const length = octets.readUInt32BE(0);
  if (length === 0 || length > PACKET_OCTETS) return 'garbage';
  if (octets.length < 4 + length) return null;
  return { letter: octets.toString('latin1', 4, 5), data: octets.subarray(5, 4 + length), end: 4 + length };
}

export function parseReply(letter: string, data: Buffer): MilterReply {
  switch (letter) {
    case 'O':
      return data.length < 12 ? { kind: 'unknown', letter } : { kind: 'negotiated', version: data.readUInt32BE(0), actions: data.readUInt32BE(4), steps: data.readUInt32BE(8) };
    case 'c':
      return { kind: 'continue' };
    case 'a':
      return { kind: 'accept' };
    case 'r':
      return { kind: 'reject' };
    case 't':
    case '4': // shut down the connection, 421
      return { kind: 'defer' };
    case 'd':
      return { kind: 'discard' };
    case 's':
      return { kind: 'skip' };
    case 'p':
      return { kind: 'progress' };
    case 'y':
      return { kind: 'reply', text: parts(data)[0] ?? '' };
    case 'h': {
      const [name = '', value = ''] = parts(data);
      return { kind: 'append-field', name, value };
    }
    case 'i':
    case 'm': {
      if (data.length < 4) return { kind: 'unknown', letter };
      const [name = '', value = ''] = parts(data.subarray(4));
      return { kind: letter === 'i' ? 'insert-field' : 'change-field', at: data.readUInt32BE(0), name, value };
    }
    case 'b':
      return { kind: 'body', octets: data };
    case '+':
    case '2':
      return { kind: 'add-recipient', address: parts(data)[0] ?? '' };
    case '-':
      return { kind: 'drop-recipient', address: parts(data)[0] ?? '' };
    case 'q':
      return { kind: 'quarantine', why: parts(data)[0] ?? '' };
    default:
      return { kind: 'unknown', letter };
  }
}

function parts(data: Buffer): readonly string[] {
  return data.toString('utf8').split('\0');
}
