import type { Endpoint } from '../domain/endpoint.ts';

/** Routes that endpoints were found not to have: learned from their answers, since versions do not say. */
export class Gaps {
  readonly #paths = new Map<Endpoint, Set<string>>();

  has(endpoint: Endpoint, path: string): boolean {
    return this.#paths.get(endpoint)?.has(path) === true;
  }

  /** The endpoint does not know the path. Paths are those of routes, never a client's. */
  add(endpoint: Endpoint, path: string): void {
    const paths = this.#paths.get(endpoint);
    if (paths === undefined) this.#paths.set(endpoint, new Set([path]));
    else paths.add(path);
  }

  /** Another server may run there now. */
  forget(endpoint: Endpoint): void {
    this.#paths.delete(endpoint);
  }
}
