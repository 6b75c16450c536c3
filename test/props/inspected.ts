/** A message as filters see it, made from its text. */
import type { Address, MessageId, Origin, Recipient, RecipientId } from '../../src/core/envelope.ts';
import type { Inspected } from '../../src/core/policy.ts';
import { parseAddress } from '../../src/grammar/address.ts';
import { openKernels } from '../../src/kit/wasm/kernels.ts';

export interface Asked {
  readonly text?: string;
  readonly from?: string | null;
  readonly to?: readonly string[];
  readonly origin?: Partial<Origin>;
  readonly id?: string;
  readonly trace?: string;
}

export const kernels = openKernels();

export function addressOf(text: string): Address {
  const address = parseAddress(text);
  if (address === null) throw new Error(`${text} is no address`);
  return address;
}

export function recipientsOf(texts: readonly string[]): readonly Recipient[] {
  return texts.map((text, n) => ({ id: n as RecipientId, address: addressOf(text) }));
}

export function factsOf(octets: Uint8Array) {
  const scan = kernels.openScan();
  scan.feed(octets);
  return scan.facts();
}

export function inspected(asked: Asked = {}): Inspected {
  const octets = Buffer.from(asked.text ?? 'Subject: x\r\n\r\nbody\r\n', 'latin1');
  const origin: Origin = { source: 'esmtp', protocol: 'ESMTP', remoteAddress: '192.0.2.9', remotePort: 4000, remoteName: 'there.example', helo: 'there.example', at: 1_700_000_000_000, ...asked.origin };
  const reversePath = asked.from === null ? null : addressOf(asked.from ?? 'ada@sender.example');
  const addressees = recipientsOf(asked.to ?? ['bob@there.example']);
  return {
    id: (asked.id ?? '660C.1') as MessageId,
    origin, reversePath, addressees,
    envelope: { reversePath, body: '7bit', smtputf8: false, origin },
    recipients: new Map(addressees.map(one => [one.id, one.address])),
    variables: new Map(),
    trace: Buffer.from(asked.trace ?? 'Received: from there.example (there.example [192.0.2.9])\r\n  by gate.example with ESMTP;\r\n  x\r\n'),
    facts: factsOf(octets),
    hold() {
      const chunks: Uint8Array[] = [];
      return {
        write: chunk => void chunks.push(chunk),
        get sizeOctets() { return chunks.reduce((sum, one) => sum + one.length, 0); },
        async *read() { yield* chunks; },
      };
    },
    async *content() {
      for (let at = 0; at < octets.length; at += 1000) yield octets.subarray(at, at + 1000);
    },
  };
}
