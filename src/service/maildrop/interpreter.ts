/**
 * Walks a recipe's tree. Pure but for what it asks of its World; a generator that gives a promise where an answer takes
 * time, so that a recipe that waits for nothing runs without one.
 */
import type { Block, Expression, Statement } from '../../grammar/maildrop/ast.ts';
import { expand } from '../../grammar/maildrop/literal.ts';
import { complement, isTrue, truth } from '../../grammar/maildrop/numbers.ts';
import { calculate, spoken } from './calculation.ts';
import { callFunction } from './functions.ts';
import { Searches } from './searches.ts';
import { Trouble, wait, type Frame, type Interpretation, type InterpreterOptions, type Turn } from './turn.ts';

/** How a recipe came to its end. */
export type Ending =
  /** Nothing decided where the message goes. */
  | { readonly kind: 'end' }
  | { readonly kind: 'exit' | 'delivered' }
  | { readonly kind: 'trouble'; readonly code: number; readonly why: string };

const INCLUDES = 20;
const LONGEST_VALUE = 4 * 1024 * 1024;
const MOST_VARIABLES = 10_000;
const STEPS_PER_BREATH = 500;
const REFUSED_WHEN_EMBEDDED: ReadonlySet<string> = new Set(['to', 'cc', 'dotlock', 'flock', 'log', 'logfile', 'system', 'xfilter']);
const RESET = ['DEFAULT', 'HOME', 'LOCKEXT', 'LOCKSLEEP', 'LOCKTIMEOUT', 'LOCKREFRESH', 'LOGNAME', 'PATH', 'SENDMAIL', 'SHELL'];

export class Interpreter implements Interpretation {
  readonly options: InterpreterOptions;
  readonly variables: Map<string, string>;
  readonly #searches = new Searches(this);
  #depth = 0;
  #steps = 0;

  constructor(options: InterpreterOptions) {
    this.options = options;
    this.variables = options.variables;
  }

  *run(file: string, text: string): Turn<Ending> {
    try {
      return (yield* this.#file(file, text, this.options.embedded)) ?? { kind: 'end' };
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      return { kind: 'trouble', code: error.code, why: error.message };
    }
  }

  *#file(file: string, text: string, restricted: boolean): Turn<Ending | null> {
    const parsed = this.options.recipes.parse(text);
    if (parsed.kind === 'misread') throw new Trouble(`${file}:${parsed.line}:${parsed.column}: ${parsed.what}`);
    const frame: Frame = { file, restricted, map: null };
    try {
      return yield* this.#block(parsed.body, frame);
    } finally {
      const { map } = frame;
      if (map !== null) yield map.close();
    }
  }

  /** Null: go on. */
  *#block(body: Block, frame: Frame): Turn<Ending | null> {
    for (const statement of body) {
      const ending = yield* this.#statement(statement, frame);
      if (ending !== null) return ending;
    }
    return null;
  }

  *#statement(statement: Statement, frame: Frame): Turn<Ending | null> {
    const { world } = this.options;
    yield* this.step(1);
    if (frame.restricted && REFUSED_WHEN_EMBEDDED.has(statement.kind)) throw new Trouble(`${frame.file}:${statement.line}: ${statement.kind} is not allowed in embedded mode`);
    switch (statement.kind) {
      case 'evaluate':
        yield* this.value(statement.value, frame);
        return null;
      case 'exit':
        return { kind: 'exit' };
      case 'to':
      case 'cc':
        return yield* this.#deliver(statement.kind, yield* this.value(statement.value, frame));
      case 'echo':
        yield* wait(world.echo(spoken(yield* this.value(statement.value, frame))));
        return null;
      case 'log':
        yield* wait(world.log(spoken(yield* this.value(statement.value, frame))));
        return null;
      case 'logfile': {
        const path = yield* this.value(statement.value, frame);
        if (!(yield* wait(world.openLog(path)))) throw new Trouble(`Unable to open the log file ${path}.`);
        return null;
      }
      case 'include':
        return yield* this.#include(yield* this.value(statement.value, frame), frame);
      case 'xfilter':
        yield* this.#xfilter(yield* this.value(statement.value, frame));
        return null;
      case 'system': {
        const ran = yield* wait(world.run(yield* this.value(statement.value, frame), 'system', this.variables));
        if (ran.kind === 'refused') throw new Trouble(ran.why);
        this.set('RETURNCODE', String(ran.code));
        return null;
      }
      case 'import': {
        const name = yield* this.value(statement.value, frame);
        this.set(name, this.options.original[name] ?? '');
        return null;
      }
      case 'unset':
        this.variables.delete(yield* this.value(statement.value, frame));
        return null;
      case 'block':
        return yield* this.#block(statement.body, frame);
      case 'if': {
        const value = yield* this.value(statement.test, frame);
        world.trace(5, `${frame.file}(${statement.line}): if evaluated, result=${value}`);
        return yield* this.#block(isTrue(value) ? statement.body : statement.otherwise, frame);
      }
      case 'while':
        while (isTrue(yield* this.value(statement.test, frame))) {
          const ending = yield* this.#block(statement.body, frame);
          if (ending !== null) return ending;
          yield* this.step(1);
        }
        return null;
      case 'foreach':
        return yield* this.#foreach(statement, frame);
      case 'exception':
        return yield* this.#exception(statement.body, frame);
      case 'dotlock':
      case 'flock': {
        const path = yield* this.value(statement.path, frame);
        const lock = yield* wait(world.lock(statement.kind, path, this.variables));
        if (lock === null) throw new Trouble(`Unable to lock ${path}.`);
        try {
          return yield* this.#block(statement.body, frame);
        } finally {
          yield lock.release();
        }
      }
      default:
        return statement satisfies never;
    }
  }

  *#exception(body: Block, frame: Frame): Turn<Ending | null> {
    try {
      return yield* this.#block(body, frame);
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      this.options.world.trace(1, `${frame.file}: trapped: ${error.message}`);
      return null;
    }
  }

  *#deliver(kind: 'to' | 'cc', mailbox: string): Turn<Ending | null> {
    const { world } = this.options;
    world.trace(1, `Delivering to ${mailbox}`);
    // An empty message, as an xfilter may leave it, goes nowhere.
    const done = world.message().sizeOctets === 0 ? { kind: 'stored' as const } : yield* wait(world.deliver(mailbox, this.variables));
    if (done.kind === 'refused') throw new Trouble(done.why);
    if (done.kind === 'ran') {
      this.set('EXITCODE', String(done.code));
      if (done.code !== 0 && kind === 'to') throw new Trouble(`The program ended with ${done.code}.`, done.code & 0xff);
    }
    return kind === 'to' ? { kind: 'delivered' } : null;
  }

  *#include(path: string, frame: Frame): Turn<Ending | null> {
    if (this.#depth >= INCLUDES) throw new Trouble(`More than ${INCLUDES} files include each other.`);
    const text = yield* wait(this.options.world.readText(path));
    if (text === null) throw new Trouble(`Unable to open include file ${path}.`);
    const { trusted, initial } = this.options;
    const entersTrusted = frame.restricted && path.startsWith(`${trusted}/`) && !path.slice(trusted.length).includes('.');
    if (entersTrusted) for (const name of RESET) this.set(name, initial.get(name) ?? '');
    this.#depth++;
    try {
      return yield* this.#file(path, text, frame.restricted && !entersTrusted);
    } finally {
      this.#depth--;
    }
  }

  *#xfilter(command: string): Turn<void> {
    const { world } = this.options;
    const ran = yield* wait(world.filter(command, this.variables));
    if (ran.kind === 'refused') throw new Trouble(ran.why);
    this.set('RETURNCODE', String(ran.code));
    if (ran.code !== 0) throw new Trouble('Unable to filter message.');
    this.set('SIZE', String(world.message().sizeOctets));
    this.set('LINES', String(world.message().lines));
  }

  *#foreach(statement: Extract<Statement, { kind: 'foreach' }>, frame: Frame): Turn<Ending | null> {
    const found = statement.subject === undefined
      ? yield* this.#searches.matchesInMessage(statement.pattern, frame)
      : this.#searches.matchesIn(yield* this.value(statement.subject, frame), statement.pattern, frame);
    for (const match of found) {
      this.#searches.keep(match);
      const ending = yield* this.#block(statement.body, frame);
      if (ending !== null) return ending;
      yield* this.step(1);
    }
    return null;
  }

  *value(expression: Expression, frame: Frame): Turn<string> {
    switch (expression.kind) {
      case 'text':
        return expand(expression.pieces, this.variables);
      case 'command': {
        if (frame.restricted) throw new Trouble(`${frame.file}:${expression.line}: commands in backticks are not allowed in embedded mode`);
        const ran = yield* wait(this.options.world.run(expand(expression.pieces, this.variables), 'substitute', this.variables));
        if (ran.kind === 'refused') throw new Trouble(ran.why);
        this.set('RETURNCODE', String(ran.code));
        return ran.output.replaceAll('\n', ' ').replaceAll(/^[ \t]+|[ \t]+$/g, '');
      }
      case 'join': {
        let text = '';
        for (const part of expression.parts) text += yield* this.value(part, frame);
        return text;
      }
      case 'assign': {
        const name = yield* this.value(expression.name, frame);
        const value = yield* this.value(expression.value, frame);
        this.options.world.trace(3, `${frame.file}(${expression.line}): ${name}="${value}"`);
        this.set(name, value);
        return value;
      }
      case 'either': {
        const left = yield* this.value(expression.left, frame);
        return isTrue(left) ? left : yield* this.value(expression.right, frame);
      }
      case 'both': {
        const left = yield* this.value(expression.left, frame);
        return isTrue(left) ? yield* this.value(expression.right, frame) : left;
      }
      case 'binary':
        return calculate(expression.operator, yield* this.value(expression.left, frame), yield* this.value(expression.right, frame));
      case 'not':
        return truth(!isTrue(yield* this.value(expression.value, frame)));
      case 'complement':
        return complement(yield* this.value(expression.value, frame));
      case 'match':
        if (expression.subject === undefined) return yield* this.#searches.searchMessage(expression.pattern, frame);
        return this.#searches.searchText(yield* this.value(expression.subject, frame), expression.pattern, frame);
      case 'call':
        return yield* callFunction(this, expression.name, expression.parameters, frame);
      default:
        return expression satisfies never;
    }
  }

  set(name: string, value: string): void {
    if (value.length > LONGEST_VALUE) throw new Trouble(`${name} grew past ${LONGEST_VALUE} octets.`);
    if (this.variables.size >= MOST_VARIABLES && !this.variables.has(name)) throw new Trouble(`More than ${MOST_VARIABLES} variables.`);
    this.variables.set(name, value);
  }

  *step(weight: number): Turn<void> {
    this.#steps += weight;
    if (this.#steps < STEPS_PER_BREATH) return;
    this.#steps = 0;
    yield this.options.world.breathe();
  }
}
