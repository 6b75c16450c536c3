/** fast-check with the run's own seed. */
import fc from 'fast-check';
import { runSeed } from './run-seed.ts';

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: runSeed });

export { default } from 'fast-check';
