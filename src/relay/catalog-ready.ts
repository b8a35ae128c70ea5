import type { Catalog } from '../routing/catalog.ts';

/** How long a request waits for endpoints that have not been asked yet, in milliseconds. */
const MAX_WAIT_MS = 2_000;

/** Waits for the first probes where the answer may depend on them: the model is not known of any endpoint asked so far. */
export function catalogReady(catalog: Catalog, model?: string): Promise<void> | undefined {
  if (catalog.settled) return undefined;
  if (model !== undefined && catalog.lookup(model).available.length > 0) return undefined;
  return new Promise((resolve) => {
    const forget = catalog.onceSettled(() => {
      clearTimeout(timer);
      resolve();
    });
    const timer = setTimeout(() => {
      forget();
      resolve();
    }, MAX_WAIT_MS);
  });
}
