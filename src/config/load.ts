import { buildConfig } from './build-config.ts';
import type { Config } from './config.ts';
import { readConfigFile } from './config-file.ts';
import { type Env, expandTree } from './expand.ts';
import { Findings } from './findings.ts';
import { applyOverrides, findOverrides, noteOverrides, type Overrides } from './overrides.ts';
import { Places } from './places.ts';
import type { WrittenSettings } from './schema.ts';
import type { Tree } from './tree.ts';
import { readYaml } from './yaml-tree.ts';

/** Where a configuration comes from. */
export interface Sources {
  readonly overrides?: Overrides;
  readonly env: Env;
  /** Relative file names are relative to it. */
  readonly cwd: string;
}

/** Reads the file, the environment and the command line's overrides; throws `ConfigError` where anything is wrong. */
export function loadConfig({ overrides: flags = {}, env, cwd }: Sources): Config {
  const file = readConfigFile(flags.config, env, cwd);
  const { tree, places } = file === undefined ? nothingWritten() : readYaml(file.text, file.label);
  const findings = new Findings(places);
  const { tree: expanded, unset } = expandTree(tree, env);
  const overrides = findOverrides(flags, env, expanded);
  noteOverrides(overrides, places, findings);
  return buildConfig({
    settings: applyOverrides(expanded, overrides),
    written: applyOverrides(tree, overrides),
    unset: unset.filter(({ path }) => !overrides.some(({ key }) => key === path[0])),
    env,
    file: file?.path,
    findings,
  });
}

function nothingWritten(): { tree: Tree; places: Places } {
  return { tree: null, places: new Places('') };
}

/** A configuration from settings in code, with the same checks and defaults; looks at no file and no variable. */
export function defaultConfig(settings: WrittenSettings = {}): Config {
  const findings = new Findings(new Places(''));
  return buildConfig({ settings, written: null, unset: [], env: {}, file: undefined, findings });
}
