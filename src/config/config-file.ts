import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { ConfigError } from './config-error.ts';
import type { Env } from './expand.ts';
import { readText } from './read-text.ts';

/** A configuration file as it was found. */
export interface ConfigFile {
  readonly path: string;
  /** What messages call it: its path as it was written. */
  readonly label: string;
  readonly text: string;
}

/** The variables that may name the file; the second is what the reference's successor calls it. */
const VARIABLES = ['NOMYO_ROUTER_CONFIG_PATH', 'CONFIG_PATH'];
const DEFAULT_FILE = 'config.yaml';

/** Reads the named file, or `config.yaml` in the working directory if there is one. */
export function readConfigFile(named: string | undefined, env: Env, cwd: string): ConfigFile | undefined {
  if (named !== undefined) return read(named, '--config', cwd);
  for (const variable of VARIABLES) {
    const value = env[variable];
    if (value) return read(value, variable, cwd);
  }
  return read(DEFAULT_FILE, undefined, cwd);
}

/** `namedBy` is who asks for this very file; without one it may be missing. */
function read(label: string, namedBy: string | undefined, cwd: string): ConfigFile | undefined {
  const path = resolve(cwd, label.replace(/^~(?=\/)/, homedir()));
  try {
    return { path, label, text: readText(path, label) };
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error';
    if (code === 'ENOENT' && namedBy === undefined) return undefined;
    throw new ConfigError(`${label}${namedBy ? ` (named by ${namedBy})` : ''} ${explain(code)}`, { cause });
  }
}

function explain(code: string): string {
  if (code === 'ENOENT') return 'does not exist';
  return code === 'EACCES' || code === 'EPERM' ? 'may not be read by this user' : `cannot be read (${code})`;
}
