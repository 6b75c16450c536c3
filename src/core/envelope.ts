/** What is written on the outside (RFC 5321 §2.3.1), and who handed it to us. */
export type Address = string & { readonly address: unique symbol }; // made only by parseAddress()
export type ReversePath = Address | null; // null is <>, RFC 5321 §4.5.5
export type MessageId = string & { readonly messageId: unique symbol };
/** 0-based position in the message's first recipient list; stable for life. */
export type RecipientId = number & { readonly recipientId: unique symbol };

export type Condition = 'success' | 'failure' | 'delay';
export type Notify = 'never' | readonly Condition[];

export interface Envelope {
  readonly reversePath: ReversePath;
  /** binarymime: not made of lines (RFC 3030 §3). */
  readonly body: '7bit' | '8bitmime' | 'binarymime';
  readonly smtputf8: boolean;
  readonly ret?: 'full' | 'hdrs'; // RFC 3461 §4.3
  readonly envid?: string; // RFC 3461 §4.4, decoded
  /** Each recipient sees, and answers, a sender address of its own (Courier's VERP). Never with a null sender. */
  readonly verp?: true;
  /** Courier's SECURITY=STARTTLS: every hop by TLS under the private authority, or the mail fails. A report inherits it. */
  readonly security?: 'starttls';
  /** RFC 8689: every hop by TLS that is verified and passes REQUIRETLS on, or the mail fails. */
  readonly requireTls?: true;
  readonly origin: Origin;
}

export interface Recipient {
  readonly id: RecipientId;
  readonly address: Address; // Final-Recipient
  readonly original?: string; // ORCPT `type;address`, decoded, RFC 3461 §4.2
  /** Absent: the sender did not say (RFC 3461 §4.1: failure and, by our choice, delay). */
  readonly notify?: Notify;
  /** An alias of several members, here only so that its success is reported; the members are recipients of their own. */
  readonly expanded?: true;
}

/** Which way in, and what is known of the peer. Plain data: it is stored with the message. */
export interface Origin {
  /** Input module, as filters and source tags name it. */
  readonly source: 'esmtp' | 'submission' | 'local' | 'uucp' | 'dsn' | 'fax' | 'list';
  /** The `with` clause of Received (RFC 3848, RFC 6531 §4.3), or the module's name. */
  readonly protocol: string;
  readonly remoteAddress?: string;
  readonly remotePort?: number;
  /** Reverse name confirmed by forward look-up. */
  readonly remoteName?: string;
  readonly localAddress?: string;
  readonly helo?: string;
  readonly login?: string;
  readonly mechanism?: string;
  readonly tls?: { readonly version: string; readonly cipher: string; readonly bits: number };
  /** The virtual host whose configuration holds for this message: one of our addresses, or a domain. */
  readonly virtualHost?: string;
  /** May relay anywhere; the text is appended to recipients, as qmail has it. Absent: may not. */
  readonly relayClient?: string;
  /** Of a report: the source tag of the message it is about (`smtp`, `authsmtp`, `local` …, or such a one with `/dsn`). */
  readonly about?: string;
  /** Accepted at. */
  readonly at: number;
}
