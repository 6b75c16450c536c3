/** Every verb there is. One that is not here is answered 500. */
import type { Command } from '../conversation.ts';
import { auth } from './auth.ts';
import { bdat } from './chunks.ts';
import { content } from './content.ts';
import { expn, vrfy } from './directory.ts';
import { ehlo, helo, lhlo } from './greeting.ts';
import { xclient, xforward } from './introductions.ts';
import { mail } from './mail.ts';
import { rcpt } from './rcpt.ts';
import { help, noop, quit, rset } from './small-talk.ts';
import { starttls } from './starttls.ts';

export const commands: ReadonlyMap<string, Command> = new Map([
  ['EHLO', ehlo],
  ['HELO', helo],
  ['LHLO', lhlo],
  ['MAIL', mail],
  ['RCPT', rcpt],
  ['DATA', content],
  ['BDAT', bdat],
  ['RSET', rset],
  ['NOOP', noop],
  ['QUIT', quit],
  ['VRFY', vrfy],
  ['EXPN', expn],
  ['XCLIENT', xclient],
  ['XFORWARD', xforward],
  ['HELP', help],
  ['AUTH', auth],
  ['STARTTLS', starttls],
]);
