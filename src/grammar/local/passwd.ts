/** A line of passwd(5), of a user who may have mail. */
export interface SystemUser {
  readonly login: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** Below are the system's own users; mail for them, and for root above all, goes to people by aliases. */
const LEAST_UID = 1000;
/** nobody, and what is beyond. */
const FIRST_BEYOND = 65_534;

/** Null: no such line, or nobody who may have mail. */
export function parsePasswdLine(line: string): SystemUser | null {
  const [login = '', , uid = '', gid = '', , home = ''] = line.split(':');
  if (login === '' || !/^\d{1,9}$/.test(uid) || !/^\d{1,9}$/.test(gid) || !home.startsWith('/') || home === '/') return null;
  const user = { login, uid: Number(uid), gid: Number(gid), home };
  return user.uid < LEAST_UID || user.uid === FIRST_BEYOND || user.uid === FIRST_BEYOND + 1 || user.gid === 0 ? null : user;
}
