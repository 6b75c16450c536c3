/** The types that module authors are given are those that cross to the worker. */
import { test } from 'node:test';
import type * as published from '../../docs/posthorn-filter.d.ts';
import type { FilterMessage, FilterResult } from '../../src/flow/filter/module-wire.ts';

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

test('a module sees and answers what the manual says', () => {
  const message: Same<FilterMessage, published.FilterMessage> = true;
  const result: Same<FilterResult, published.FilterResult> = true;
  void [message, result];
});
