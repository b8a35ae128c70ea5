import type { Unset } from './expand.ts';
import type { Findings } from './findings.ts';
import { ROUTER_KEYS } from './schema.ts';
import type { Path } from './tree.ts';

/** Says for every variable that is not set what that leads to. */
export function warnOfUnset(unset: readonly Unset[], routerIsOpen: boolean, findings: Findings): void {
  for (const { path, variable } of unset) {
    findings.warn(path, `\${${variable}} is not set: ${consequence(path, routerIsOpen)}`);
  }
}

function consequence(path: Path, routerIsOpen: boolean): string {
  const [first, second] = path;
  if (first === 'api_keys') return `no key is sent to ${/[@?]/.test(String(second)) ? 'that endpoint' : second}`;
  if (ROUTER_KEYS.some((key) => key === first)) {
    return routerIsOpen ? 'clients need no key' : 'another router key is used';
  }
  if (path.at(-1) === 'key') return 'no key is sent to this endpoint';
  const isEntry = typeof path.at(-1) === 'number' || path.at(-1) === 'url';
  return isEntry ? 'this entry is left out' : 'this setting counts as not written';
}
