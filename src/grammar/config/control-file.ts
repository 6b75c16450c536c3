/** Courier's control files: text, one thing a line, `#` begins a comment line, empty lines mean nothing. */
import { read, shown, wrong, type Parsed } from './parsed.ts';

export interface Line {
  /** Counted from 1. */
  readonly line: number;
  /** Without surrounding blanks; never empty. */
  readonly text: string;
}

export function splitLines(text: string): readonly string[] {
  return (text.startsWith('\uFEFF') ? text.slice(1) : text).split(/\r?\n/);
}

/** A list file: the lines that say something. */
export function parseLines(text: string): readonly Line[] {
  const lines: Line[] = [];
  for (const [index, whole] of splitLines(text).entries()) {
    const trimmed = whole.trim();
    if (trimmed !== '' && !trimmed.startsWith('#')) lines.push({ line: index + 1, text: trimmed });
  }
  return lines;
}

/** A file of one value. `example` is what a right one looks like. */
export function parseOneLine(text: string, example: string): Parsed<Line> {
  const [first, second] = parseLines(text);
  if (first === undefined) return wrong('no value in this file', example);
  if (second !== undefined) return wrong(`only one value belongs here, ${shown(second.text)} is a second one`, example, second.line);
  return read(first);
}

export function parseWholeNumber(text: string, low: number, high: number, example: string): Parsed<number> {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= low && value <= high) return read(value);
  return wrong(`${shown(text)} is not a whole number from ${low} to ${high}`, example);
}

/** `0` and `1`, as the environment files switch things. */
export function parseSwitch(text: string, example: string): Parsed<boolean> {
  if (/^(1|yes|y|true|on)$/i.test(text)) return read(true);
  if (/^(0|no|n|false|off|)$/i.test(text)) return read(false);
  return wrong(`${shown(text)} is neither 0 nor 1`, example);
}
