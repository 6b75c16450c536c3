/** A headless Chromium with a profile of its own, or the reason why there is none. */
import { existsSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { chromium, type BrowserContext } from 'playwright-core';
import { scratchFolder } from './scratch.ts';
import { rmSync } from 'node:fs';

const PROGRAM = '/usr/bin/chromium';
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

export const noBrowser: string | false = existsSync(PROGRAM) ? false : 'chromium is not installed';

export interface Look {
  readonly width?: number;
  readonly height?: number;
  readonly script?: boolean;
  readonly scheme?: 'light' | 'dark';
  /** Further switches of the program, as `--host-resolver-rules=…`. */
  readonly flags?: readonly string[];
}

export async function openBrowser(t: TestContext, look: Look = {}): Promise<BrowserContext> {
  const profile = scratchFolder('browser');
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: PROGRAM,
    args: [...FLAGS, ...(look.flags ?? [])],
    viewport: { width: look.width ?? 1200, height: look.height ?? 800 },
    javaScriptEnabled: look.script ?? true,
    colorScheme: look.scheme ?? 'light',
    timeout: 60_000,
  });
  t.after(async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  });
  return context;
}
