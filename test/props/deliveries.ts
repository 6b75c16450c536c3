/** A delivery for a transport's test: content with the facts that are true of it. */
import type { MessageId, RecipientId, Recipient } from '../../src/core/envelope.ts';
import type { Delivery } from '../../src/core/transport.ts';
import { parseAddress } from '../../src/grammar/address.ts';

export interface WantedDelivery {
  readonly nexthop: string;
  readonly to: readonly (string | (Omit<Partial<Recipient>, 'address'> & { readonly address: string }))[];
  /** '' is <>. */
  readonly from?: string;
  readonly content?: Uint8Array;
  readonly id?: string;
}

export function deliveryOf({ nexthop, to, from = 'ada@there.example', content = Buffer.from('Subject: x\r\n\r\nBody\r\n'), id = '0000000000001.00000001' }: WantedDelivery): Delivery {
  const end = Buffer.from(content).indexOf('\r\n\r\n');
  const has8bit = content.some(octet => octet > 127);
  return {
    id: id as MessageId, nexthop,
    envelope: { reversePath: from === '' ? null : parseAddress(from), body: has8bit ? '8bitmime' : '7bit', smtputf8: false, origin: { source: 'esmtp', protocol: 'ESMTP', at: 0 } },
    recipients: to.map((one, n): Recipient => {
      const wanted = typeof one === 'string' ? { address: one } : one;
      const address = parseAddress(wanted.address);
      if (address === null) throw new Error(`${wanted.address} is no address`);
      return { ...wanted, id: n as RecipientId, address };
    }),
    content: {
      kind: 'content', sizeOctets: content.length, read: () => [content],
      facts: { sizeOctets: content.length, has8bit, hasNul: false, bareCr: 0, bareLf: 0, longestLine: 0, headerEnd: end < 0 ? content.length : end + 4, header8bit: false, digest: new Uint8Array(16) },
    },
  };
}
