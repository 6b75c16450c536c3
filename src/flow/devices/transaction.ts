/** One message of a device: its envelope by the device's rules, its content put right, its limits counted. */
import type { Address, ReversePath } from '../../core/envelope.ts';
import type { Awaitable, ContentWriter, MailOptions, RcptOptions, Taken, Transaction } from '../../core/intake.ts';
import type { Kernels } from '../../core/kernels.ts';
import { refuse, type Refusal } from '../../core/status.ts';
import type { DeviceRule } from '../../grammar/config/ways-in/devices.ts';
import { maySendAs, mayWriteTo, recipientOf, senderOf } from './envelope-rules.ts';
import type { Ledger } from './ledger.ts';
import { MendedContent } from './mended-content.ts';

export interface TransactionTools {
  readonly kernels: Pick<Kernels, 'openScan'>;
  readonly ledger: Pick<Ledger, 'reserve' | 'giveBack' | 'sent'>;
  changed(): void;
  now(): number;
  readonly defaultDomain: string;
}

export class DeviceTransaction implements Transaction {
  readonly kind = 'open';
  readonly #rule: DeviceRule;
  readonly #behind: Transaction;
  readonly #tools: TransactionTools;
  #from: ReversePath = null;
  #to: Address[] = [];
  #content: MendedContent | null = null;
  /** Counted, and not sent yet. */
  #reserved = false;

  constructor(rule: DeviceRule, behind: Transaction, tools: TransactionTools) {
    this.#rule = rule;
    this.#behind = behind;
    this.#tools = tools;
  }

  mail(reversePath: ReversePath, options: MailOptions): Awaitable<Taken | Refusal> {
    if (!maySendAs(this.#rule, reversePath)) return refuse('deviceSender', { why: `device ${this.#rule.name} may not send as ${reversePath}` });
    this.#from = senderOf(this.#rule, reversePath, this.#tools.defaultDomain);
    this.#to = [];
    return this.#behind.mail(this.#from, options);
  }

  rcpt(recipient: Address, options: RcptOptions): Awaitable<Taken | Refusal> {
    const address = recipientOf(this.#rule, recipient, this.#tools.defaultDomain);
    if (!mayWriteTo(this.#rule, address)) return refuse('deviceRecipient', { why: `device ${this.#rule.name} may not write to ${address}` });
    // The sender's own name for it, for a report (RFC 3461 §5.2.1).
    const answer = this.#behind.rcpt(address, address === recipient || options.original !== undefined ? options : { ...options, original: `rfc822;${recipient}` });
    const taken = (one: Taken | Refusal): Taken | Refusal => {
      if (one.kind === 'taken') this.#to.push(address);
      return one;
    };
    return answer instanceof Promise ? answer.then(taken) : taken(answer);
  }

  data(): Awaitable<ContentWriter | Refusal> {
    const { ledger, changed } = this.#tools;
    if (!ledger.reserve(this.#rule)) return refuse('deviceLimit', { why: `device ${this.#rule.name} is over its limit` });
    this.#reserved = true;
    changed();
    const answer = this.#behind.data();
    return answer instanceof Promise ? answer.then(late => this.#writer(late)) : this.#writer(answer);
  }

  #writer(writer: ContentWriter | Refusal): ContentWriter | Refusal {
    if (writer.kind === 'refused') {
      this.#giveBack();
      return writer;
    }
    const { name, fromField, charset } = this.#rule;
    const content = new MendedContent(writer, this.#tools.kernels, { from: this.#from, replaceFrom: fromField, charset, subject: `Message from ${name}` });
    this.#content = content;
    return {
      kind: 'writer',
      write: chunk => content.write(chunk),
      end: async facts => {
        const answer = await content.end(facts);
        if (answer.kind === 'refused') {
          this.#giveBack();
          return answer;
        }
        this.#reserved = false;
        this.#tools.ledger.sent(this.#rule.name, { at: this.#tools.now(), id: answer.id, from: this.#from ?? '', to: this.#to[0] ?? '', recipients: this.#to.length, sizeOctets: facts.sizeOctets });
        this.#tools.changed();
        return answer;
      },
    };
  }

  abort(): void {
    this.#content?.close();
    this.#content = null;
    this.#giveBack();
    this.#behind.abort();
  }

  #giveBack(): void {
    if (!this.#reserved) return;
    this.#reserved = false;
    this.#tools.ledger.giveBack(this.#rule.name);
  }
}
