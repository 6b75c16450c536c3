/**
 * The seed of everything that a test draws: `make test` chooses one for the run and says it where something failed, and
 * SEED=… gives the same data again. What fails with it once and passes with it alone did not fail by its data.
 */
export const runSeed = Number(process.env['SEED'] ?? Math.trunc(Math.random() * 2 ** 31));
