import type * as z from 'zod';
import type { Findings } from './findings.ts';
import { suggestion } from './nearest.ts';
import { isSecretPath, keysAt } from './schema.ts';
import { isTreeMap, type Path, pathName, type Tree, valueAt } from './tree.ts';

/** Tells the findings what the schema did not like. `written` is the tree before variables were expanded. */
export function reportIssues(issues: readonly z.core.$ZodIssue[], written: Tree, findings: Findings): void {
  for (const issue of issues) {
    const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
    if (issue.code === 'unrecognized_keys') reportKeys(path, issue.keys, findings);
    else findings.fault(path, `${issue.message}${got(written, path)}${meant(issue.message, written, path)}`);
  }
}

function reportKeys(path: Path, keys: readonly string[], findings: Findings): void {
  for (const key of keys) {
    const inner = [...path, key];
    findings.faultOfKey(inner, `unknown key "${shortened(pathName(inner))}"${suggestion(key, keysAt(path))}`);
  }
}

/** What was found instead, unless it may be secret. */
function got(written: Tree, path: Path): string {
  const value = nearestValue(written, path);
  if (value === null) return '';
  if (typeof value !== 'string')
    return isTreeMap(value) ? ', got further keys' : value.length > 0 ? ', got a list' : '';
  // A URL's user and query may hold a password, and so may any variable that is named by mistake.
  if (isSecretPath(path) || /[@?]/.test(value)) return '';
  if (value.includes('${')) return `, got what ${JSON.stringify(shortened(value))} stands for`;
  return `, got ${JSON.stringify(shortened(value))}`;
}

/** An endpoint's URL is written under `url`, or as the whole entry. */
function nearestValue(written: Tree, path: Path): Tree {
  const value = valueAt(written, path);
  const around = valueAt(written, path.slice(0, -1));
  return value === null && typeof around === 'string' ? around : value;
}

/** The nearest of the values that the message lists. */
function meant(message: string, written: Tree, path: Path): string {
  const [, values] = /^must be one of (.*)$/.exec(message) ?? [];
  const value = valueAt(written, path);
  return values === undefined || typeof value !== 'string' ? '' : suggestion(value, values.split(', '));
}

function shortened(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
