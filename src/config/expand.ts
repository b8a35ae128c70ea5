import { isTreeMap, type Path, pathName, type Tree } from './tree.ts';

/** The process environment, or a test's. */
export type Env = Readonly<Record<string, string | undefined>>;

/** A value that is left out, because a variable in it is not set. */
export interface Unset {
  readonly path: Path;
  readonly variable: string;
}

const REFERENCE = /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g;

/**
 * Replaces `${VAR}` and `${VAR:-default}` in every value; any other `$` stays. A value with an unset variable becomes
 * null, which means "not written": neither the literal text nor an empty one may be sent as a key.
 */
export function expandTree(tree: Tree, env: Env): { tree: Tree; unset: readonly Unset[] } {
  const unset: Unset[] = [];
  const expand = (value: Tree, path: Path): Tree => {
    if (typeof value === 'string') return expandValue(value, path);
    if (isTreeMap(value)) return mapEntries(value, (inner, key) => expand(inner, [...path, key]));
    return value === null ? null : value.map((inner, index) => expand(inner, [...path, index]));
  };
  const expandValue = (text: string, path: Path): string | null => {
    const { expanded, missing } = expandText(text, env);
    if (missing !== undefined) unset.push({ path, variable: missing });
    return missing === undefined ? expanded : null;
  };
  return { tree: expand(tree, []), unset };
}

/** One text, and the first variable in it that is not set. An empty variable is set; `:-` replaces it all the same. */
export function expandText(text: string, env: Env): { expanded: string; missing: string | undefined } {
  let missing: string | undefined;
  const expanded = text.replace(REFERENCE, (_, name: string, fallback: string | undefined) => {
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (fallback !== undefined) return value || fallback;
    if (value === undefined) missing ??= name;
    return value ?? '';
  });
  return { expanded, missing };
}

function mapEntries(map: { readonly [key: string]: Tree }, change: (value: Tree, key: string) => Tree): Tree {
  const result: Record<string, Tree> = Object.create(null);
  for (const [key, value] of Object.entries(map)) result[key] = change(value, key);
  return result;
}

/** Whether the value at this path was left out for an unset variable. */
export function isUnset(unset: readonly Unset[], path: Path): boolean {
  return unset.some((one) => pathName(one.path) === pathName(path));
}
