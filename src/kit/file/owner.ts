/**
 * Whose a folder is. A gateway that is not root has a state folder of its own, and root's commands beside it (`mailq` at
 * night, before the first start) must leave nothing there that the gateway cannot open.
 */
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { createSystemAccounts } from '../system-accounts.ts';

/** A folder or file that this account may not use, and what would help. */
export class ClosedToUs extends Error {}

/** As root: takes the rights of whom the folder belongs to, or the nearest one above that is there. Gives what ends it. */
export function actAsOwner(folder: string): () => void {
  const nothing = () => undefined;
  if (process.geteuid?.() !== 0) return nothing;
  const { uid, gid } = nearest(folder);
  if (uid === 0) return nothing;
  const ours = process.getegid?.() ?? 0;
  const back = () => {
    process.seteuid?.(0);
    process.setegid?.(ours);
  };
  try {
    process.setegid?.(gid);
    process.seteuid?.(uid);
    return back;
  } catch {
    // A container's root may be nobody else. Then what it makes is its own.
    back();
    return nothing;
  }
}

/** As root in somebody else's folder, for good: what that will come to. Null: it is ours, or we are not root. */
export function whyNotAsRoot(folder: string, accounts = createSystemAccounts()): string | null {
  const { uid } = nearest(folder);
  if (process.geteuid?.() !== 0 || uid === 0) return null;
  const name = accounts.find(uid)?.name ?? `uid ${uid}`;
  return `belongs to ${name}, and this gateway is root: what it makes there, a gateway of ${name} cannot open later (chown -R ${name} ${folder})`;
}

/** Why one of these cannot be written, `folder` being the one they lie in; null: that is not it. */
export function whyClosed(folder: string, paths: readonly string[], accounts = createSystemAccounts()): string | null {
  const named = (uid: number) => accounts.find(uid)?.name ?? `uid ${uid}`;
  const us = process.geteuid?.() ?? 0;
  const owner = nearest(folder);
  if (owner.path !== folder) return mayWrite(owner.path) ? null : `${folder} is not there, and ${owner.path} belongs to ${named(owner.uid)}: as root, install -d -m 700 -o ${named(us)} ${folder}`;
  const closed = [folder, ...paths].find(path => statSync(path, { throwIfNoEntry: false }) !== undefined && !mayWrite(path));
  if (closed === undefined) return null;
  const { uid } = statSync(closed);
  if (uid === us) return `${closed} belongs to this account (${named(us)}) and cannot be written all the same: its mode, or a file system mounted read-only`;
  return owner.uid === us
    ? `${closed} belongs to ${named(uid)}, and the rest of ${folder} to this account: as root, chown -R ${named(us)} ${folder}`
    : `${closed} belongs to ${named(uid)}, and this account is ${named(us)}: be ${owner.uid === 0 ? 'root' : `${named(owner.uid)}, or root`}`;
}

/** By the rights that we have taken; access(2) would ask for those that we were started with. */
function mayWrite(path: string): boolean {
  const us = process.geteuid?.() ?? 0;
  if (us === 0) return true;
  const facts = statSync(path);
  const bits = facts.uid === us ? facts.mode >> 6 : (process.getgroups?.() ?? []).includes(facts.gid) || facts.gid === process.getegid?.() ? facts.mode >> 3 : facts.mode;
  const wanted = facts.isDirectory() ? 0o3 : 0o2;
  return (bits & wanted) === wanted;
}

function nearest(folder: string): { readonly path: string; readonly uid: number; readonly gid: number } {
  for (let path = folder; ; path = dirname(path)) {
    const facts = lookAt(path);
    if (facts !== undefined) return { path, uid: facts.uid, gid: facts.gid };
    if (path === dirname(path)) return { path, uid: 0, gid: 0 };
  }
}

/** What may not be looked at is passed over: the folder above it says who may. */
function lookAt(path: string): { readonly uid: number; readonly gid: number } | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
