/** The message as filters have left it so far: our fields, what was received, and what was changed of it. */
import type { ContentFacts } from '../../core/content.ts';
import type { Address, Recipient, RecipientId } from '../../core/envelope.ts';
import type { Kernels } from '../../core/kernels.ts';
import type { Change, Field, Held } from '../../core/policy.ts';
import { appendField, editHeader, formatField, type HeaderEdit } from '../../grammar/filter/header-edits.ts';
import { parseFields, type HeaderField } from '../../grammar/mime/field.ts';
import type { Holding } from '../../kit/file/holding.ts';

export interface Copy {
  readonly trace: Uint8Array;
  readonly facts: ContentFacts;
  readonly recipients: readonly Recipient[];
  content(): AsyncIterable<Uint8Array>;
  /** Our own fields first, as the message will leave. */
  whole(): AsyncIterable<Uint8Array>;
  addFields(fields: readonly Field[]): void;
  change(changes: readonly Change[]): Promise<void>;
}

export function createCopy(given: { readonly holding: Holding; readonly trace: Uint8Array; readonly facts: ContentFacts; readonly recipients: readonly Recipient[]; readonly kernels: Pick<Kernels, 'openScan'> }): Copy {
  const { holding, kernels } = given;
  let { trace, facts, recipients } = given;
  /** A header that is no longer the received one, its empty line included. */
  let header: Buffer | null = null;
  let body: Held | null = null;
  const bodyFrom = facts.headerEnd;

  async function* content(): AsyncGenerator<Uint8Array> {
    if (header === null && body === null) {
      yield* holding.read();
      return;
    }
    yield header ?? (await holding.head(bodyFrom));
    if (body === null) yield* holding.read(bodyFrom);
    else yield* body.read();
  }

  async function survey(): Promise<void> {
    const scan = kernels.openScan();
    try {
      for await (const chunk of content()) scan.feed(chunk);
    } finally {
      facts = scan.facts(); // closes the scan
    }
  }

  /** Received stays ours alone. */
  function editOurs(change: HeaderEdit): Uint8Array {
    const from = fieldsOf(trace)[0]?.start ?? trace.length;
    const all = Buffer.from(trace.buffer, trace.byteOffset, trace.length);
    return Buffer.concat([all.subarray(0, from), editHeader(all.subarray(from), change)]);
  }

  function add(address: Address): void {
    if (recipients.some(one => one.address === address)) return;
    const next = 1 + Math.max(-1, ...recipients.map(one => one.id));
    // Nobody asked for reports about whom a filter added.
    recipients = [...recipients, { id: next as RecipientId, address, notify: 'never' }];
  }

  return {
    get trace() {
      return trace;
    },
    get facts() {
      return facts;
    },
    get recipients() {
      return recipients;
    },
    content,
    async *whole() {
      if (trace.length > 0) yield trace;
      yield* content();
    },
    addFields(fields) {
      if (fields.length === 0) return;
      // Right behind our Received: the newest on top, and a signature above whatever it signs.
      const from = fieldsOf(trace)[0]?.start ?? trace.length;
      trace = Buffer.concat([trace.subarray(0, from), Buffer.from(fields.map(({ name, value }) => formatField(name, value)).join('')), trace.subarray(from)]);
    },
    async change(changes) {
      let rewritten = false;
      for (const change of changes) {
        switch (change.kind) {
          case 'field': {
            const ours = fieldsOf(trace).filter(({ name }) => name === change.name.toLowerCase()).length;
            if (change.nth <= ours) trace = editOurs(change);
            else {
              const before = header ?? (await holding.head(bodyFrom));
              const edited = editHeader(before, { ...change, nth: change.nth - ours });
              // Nothing was there to take out: nothing is rewritten.
              rewritten ||= edited !== before;
              if (edited !== before) header = edited;
            }
            break;
          }
          case 'append':
            header = appendField(header ?? (await holding.head(bodyFrom)), change.field.name, change.field.value);
            rewritten = true;
            break;
          case 'body':
            body = change.octets;
            header ??= ended(await holding.head(bodyFrom));
            rewritten = true;
            break;
          case 'recipient':
            add(change.address);
            break;
          case 'drop':
            recipients = recipients.filter(one => one.address !== change.address);
            break;
          default: {
            const never: never = change;
            throw new Error(`unknown change ${JSON.stringify(never)}`);
          }
        }
      }
      if (rewritten) await survey();
    },
  };
}

/** The fields of ours that a filter sees: all but the Received that says how the message came to us. */
export function fieldsOf(trace: Uint8Array): readonly HeaderField[] {
  const fields = parseFields(Buffer.from(trace.buffer, trace.byteOffset, trace.length));
  return fields[0]?.name === 'received' ? fields.slice(1) : fields;
}

/** A message without an empty line gets one before its new body. */
function ended(header: Buffer): Buffer {
  const text = header.toString('latin1');
  if (text === '\r\n' || text.endsWith('\r\n\r\n')) return header;
  return Buffer.concat([header, Buffer.from(text === '' || text.endsWith('\r\n') ? '\r\n' : '\r\n\r\n')]);
}
