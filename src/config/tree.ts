/**
 * What a YAML file says before anyone asks what it means: every scalar is the text that was written, so that `2`, `"2"`
 * and a `${VAR}` holding 2 are the same to whoever wants a number, and a key such as `0123` keeps its zero.
 */
export type Tree = string | null | readonly Tree[] | TreeMap;

/** Made without a prototype, so that a key called `__proto__` is a key like any other. */
export interface TreeMap {
  readonly [key: string]: Tree;
}

/** Keys and list indexes from the root down to a value. */
export type Path = readonly (string | number)[];

export function isTreeMap(tree: Tree | undefined): tree is TreeMap {
  return typeof tree === 'object' && tree !== null && !Array.isArray(tree);
}

/** Null where the tree has nothing at that path. */
export function valueAt(tree: Tree, path: Path): Tree {
  let value: Tree | undefined = tree;
  for (const step of path) value = childOf(value, step);
  return value ?? null;
}

function childOf(tree: Tree | undefined, step: string | number): Tree | undefined {
  if (isTreeMap(tree)) return tree[step];
  return Array.isArray(tree) && typeof step === 'number' ? tree[step] : undefined;
}

/** A path as people write it: `endpoints[2].slots`, `api_keys["http://a:1"]`. */
export function pathName(path: Path): string {
  return path.reduce<string>((name, step) => name + stepName(step, name === ''), '');
}

function stepName(step: string | number, first: boolean): string {
  if (typeof step === 'number') return `[${step}]`;
  if (first) return step;
  return /^[\w-]+$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
}
