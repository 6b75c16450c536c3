/** Nothing that a stranger sends makes a parser throw, hang or grow. `make fuzz` gives each a million inputs. */
import { test } from 'node:test';
import { survive } from '../../props/hostile-input.ts';
import { hostileSubjects } from '../../props/hostile-subjects.ts';
import { runSeed } from '../../props/run-seed.ts';

const INPUTS = 20_000;

for (const subject of hostileSubjects) {
  test(`the ${subject.name} parser survives ${INPUTS} mutated inputs`, () => {
    survive(subject, INPUTS, runSeed);
  });
}
