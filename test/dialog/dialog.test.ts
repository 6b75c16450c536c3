import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readDialogs, runDialog, ways } from '../props/dialog.ts';

const folder = import.meta.dirname;

for (const file of readdirSync(folder).filter(name => name.endsWith('.dialog')).toSorted()) {
  describe(`dialog ${file.replace('.dialog', '')}`, () => {
    for (const dialog of readDialogs(join(folder, file))) {
      for (const way of ways) {
        if (!dialog.notWays.has(way)) it(`${dialog.name} (${way})`, () => runDialog(dialog, way));
      }
    }
  });
}
