/**
 * Where mail lies: Maildir and Maildir++ folders with their quota, and mbox files. Takes a path that somebody chose
 * and a message; answers 'stored' after file and folder are synced, or why not. A refusal leaves nothing behind.
 * RFC 4155 (mbox). Never follows a link in the place of an mbox file, never writes where everyone may write.
 */
import type { Mailboxes } from '../../core/mailbox.ts';
import { nodeFiles } from './files.ts';
import { createMaildirs } from './maildir.ts';
import { createMboxes } from './mbox.ts';
import { createPlaces, type PlacesOptions } from './places.ts';

export type MailboxesOptions = Omit<PlacesOptions, 'files'> & Partial<Pick<PlacesOptions, 'files'>>;

export function createMailboxes(options: MailboxesOptions): Mailboxes {
  const own = { files: nodeFiles, ...options };
  return createPlaces(own, createMaildirs(own), createMboxes(own));
}
export type { Files } from './files.ts';
