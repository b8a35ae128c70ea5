import type { Catalog } from '../routing/catalog.ts';

/** How long a request waits for endpoints that have not been asked yet, in milliseconds. */
const MAX_WAIT_MS = 2_000;

/** Waits for the first probes while the answer may depend on them: no endpoint asked so far is known to have the model. */
export function catalogReady(catalog: Catalog, model?: string): Promise<void> | undefined {
  const ready = () => catalog.settled || (model !== undefined && catalog.lookup(model).available.length > 0);
  return ready() ? undefined : catalog.until(ready, MAX_WAIT_MS);
}
