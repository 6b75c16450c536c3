/** What holds for one message. */
import type { MailRules } from '../../grammar/config/ways-in/mail-rules.ts';
import type { HeaderRules } from '../../grammar/header/rules.ts';

export interface MessageRules {
  readonly mime: MailRules;
  readonly header: HeaderRules;
  /** Headers in UTF-8 were announced (RFC 6532). */
  readonly smtputf8: boolean;
}
