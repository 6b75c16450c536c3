/**
 * A message to the gateway: over its socket when it runs and we may, else into its pickup folder, where it is durable and
 * taken in as soon as a gateway looks.
 */
import { randomBytes } from 'node:crypto';
import { lstat, mkdir, open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Essentials } from '../../../configuration.ts';
import type { LocalSubmission } from '../../../core/operations.ts';
import { refuse, type Refusal } from '../../../core/status.ts';
import { ENVELOPE_OCTETS, formatPickup, parsePickup, PICKUP_RECIPIENTS, type PickupEnvelope } from '../../../grammar/pickup.ts';
import { actAsOwner } from '../../../kit/file/owner.ts';
import type { Context } from '../command.ts';

export type HandedOver =
  | { readonly kind: 'queued'; readonly id: string }
  /** No gateway runs here, or none that we may speak to: it lies in the pickup folder. */
  | { readonly kind: 'left' }
  | Refusal
  | { readonly kind: 'nowhere'; readonly why: string };

export async function handOver(context: Pick<Context, 'rooms'>, essentials: Essentials, submission: LocalSubmission): Promise<HandedOver> {
  const envelope = envelopeOf(submission);
  const line = formatPickup(envelope);
  const unfit = refusalOf(envelope, line);
  if (unfit !== null) return unfit;
  // A socket that is not ours to speak to is as good as none.
  const running = await context.rooms.running(essentials).catch(() => null);
  return running === null ? leave(essentials, line, submission.content) : running.submit({ ...submission, ...envelope });
}

function envelopeOf({ reversePath, recipients, notify, ret, envid, security, verp, wishes }: LocalSubmission): PickupEnvelope {
  return { reversePath, recipients, ...(notify === undefined ? {} : { notify }), ...(ret === undefined ? {} : { ret }), ...(envid === undefined ? {} : { envid }), ...(security === undefined ? {} : { security }), ...(verp === undefined ? {} : { verp }), ...(wishes === undefined ? {} : { wishes }) };
}

/** What the gateway would throw away as no envelope is refused here, while somebody listens. */
function refusalOf(envelope: PickupEnvelope, line: string): Refusal | null {
  if (envelope.recipients.length > PICKUP_RECIPIENTS || Buffer.byteLength(line) > ENVELOPE_OCTETS) return refuse('tooManyRecipientsForGood');
  if (parsePickup(line) !== null) return null;
  const fits = (one: string) => parsePickup(formatPickup({ reversePath: '', recipients: [one] })) !== null;
  const bad = envelope.recipients.find(one => !fits(one));
  return bad === undefined ? refuse('badSenderAddress') : refuse('badRecipientAddress', { text: `Bad recipient ${bad.slice(0, 60)}` });
}

async function leave({ stateFolder, sizeOctets }: Essentials, line: string, content: LocalSubmission['content']): Promise<HandedOver> {
  const folder = join(stateFolder, 'pickup');
  const shared = await isShared(folder);
  if (shared.kind === 'nowhere') return shared;
  const begun = join(folder, `tmp.${randomBytes(16).toString('hex')}`);
  try {
    const file = await open(begun, 'wx', 0o600);
    let octets = 0;
    try {
      await file.writeFile(line);
      for await (const chunk of content) {
        octets += chunk.length;
        if (sizeOctets !== null && octets > sizeOctets) {
          await unlink(begun);
          return refuse('tooLarge');
        }
        for (let at = 0; at < chunk.length;) at += (await file.write(chunk, at)).bytesWritten;
      }
      // The gateway may be another account's. Nobody else knows the name, and the folder cannot be listed.
      if (shared.kind === 'shared' || process.getuid?.() === 0) await file.chmod(0o644);
      await file.sync();
      await rename(begun, join(folder, `msg.${Date.now().toString(36)}.${randomBytes(16).toString('hex')}`));
      await syncName(folder, file);
    } finally {
      await file.close();
    }
    return { kind: 'left' };
  } catch (error) {
    await unlink(begun).catch(() => undefined);
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOSPC' || code === 'EDQUOT') return refuse('queueFull');
    return nowhere(folder, error);
  }
}

async function isShared(folder: string): Promise<{ readonly kind: 'shared' | 'own' } | { readonly kind: 'nowhere'; readonly why: string }> {
  try {
    // Before the first start of a gateway: whoever may make the state folder may send.
    const resume = actAsOwner(folder);
    await mkdir(folder, { recursive: true, mode: 0o700 }).finally(resume);
    const facts = await lstat(folder);
    if (!facts.isDirectory()) return { kind: 'nowhere', why: `${folder} is no folder` };
    return { kind: (facts.mode & 0o002) === 0 ? 'own' : 'shared' };
  } catch (error) {
    return nowhere(folder, error);
  }
}

function nowhere(folder: string, error: unknown): { readonly kind: 'nowhere'; readonly why: string } {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EACCES' || code === 'EPERM') return { kind: 'nowhere', why: `no gateway answers, and ${folder} is closed to this account (the file pickup opens it)` };
  return { kind: 'nowhere', why: `${folder}: ${error instanceof Error ? error.message : String(error)}` };
}

/** The name is durable too. Who may not open the folder syncs the file once more: its new name rides along. */
async function syncName(folder: string, file: { sync(): Promise<void> }): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    await file.sync();
  }
}
