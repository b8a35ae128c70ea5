import type { Endpoint } from '../domain/endpoint.ts';

/** Files come from clients: no more of them are remembered than this. */
const MAX_REMEMBERED = 1_000;

/** Remembers where files were uploaded to, so that the model that is made of them is made there. */
export class Uploads {
  readonly #places = new Map<string, readonly Endpoint[]>();

  /** The latest upload counts. */
  note(digest: string, endpoints: readonly Endpoint[]): void {
    this.#places.delete(digest);
    this.#places.set(digest, endpoints);
    for (const oldest of this.#places.keys()) {
      if (this.#places.size <= MAX_REMEMBERED) return;
      this.#places.delete(oldest);
    }
  }

  /** The endpoints that all of these files were uploaded to; undefined where one is not remembered or there is none. */
  placesOf(digests: readonly string[]): readonly Endpoint[] | undefined {
    const [first, ...others] = digests.map((digest) => this.#places.get(digest));
    const common = first?.filter((endpoint) => others.every((places) => places?.includes(endpoint)));
    return common === undefined || common.length === 0 ? undefined : common;
  }
}
