/** socat makes the pseudo-terminals that the fax simulator is a modem on. */
import { spawnSync } from 'node:child_process';

/** Why a test is skipped, or false: it is here. */
export const noSocat: string | false = spawnSync('socat', ['-V']).error === undefined ? false : 'socat is not here';
