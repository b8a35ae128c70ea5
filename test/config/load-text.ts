import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../src/config/config.ts';
import { ConfigError } from '../../src/config/config-error.ts';
import type { Env } from '../../src/config/expand.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Overrides } from '../../src/config/overrides.ts';

/** Runs something in a new folder that holds these files, and removes it. */
export function inFolder<T>(files: Readonly<Record<string, string | Uint8Array>>, run: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'nomyo-config-'));
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    return run(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The configuration that a `config.yaml` with this text gives. */
export function load(text: string | Uint8Array, env: Env = {}, overrides: Overrides = {}): Config {
  return inFolder({ 'config.yaml': text }, (cwd) => loadConfig({ overrides, env, cwd }));
}

/** The message with which a `config.yaml` with this text stops the start. */
export function messageOf(text: string | Uint8Array, env: Env = {}, overrides: Overrides = {}): string {
  try {
    load(text, env, overrides);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'it was accepted';
}
