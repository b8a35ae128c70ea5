import type { IncomingMessage } from 'node:http';
import { isAlike, nearest } from '../config/nearest.ts';
import type { RequestRecord } from '../domain/request-record.ts';
import type { HttpReply } from './http-reply.ts';

/** One request that has come, with what will be known of it. */
export interface Arrival {
  readonly request: IncomingMessage;
  readonly reply: HttpReply;
  readonly record: RequestRecord;
}

/** One request that has been let in. */
export interface Visit extends Arrival {
  /** What follows the `?`, without what was meant for the router itself. */
  readonly query: string;
  /** What stands for the `*` at the end of the route's path, as it came. */
  readonly rest: string;
}

/** Answers a request. What it throws becomes an error in the route's protocol. */
export type Handler = (visit: Visit) => void | Promise<void>;

export interface Route {
  readonly methods: readonly string[];
  /** Exact, or ending in `/*` for everything below. */
  readonly path: string;
  /** It asks models or endpoints to work: such requests are listed. */
  readonly work?: true;
  /** Methods that need no key. */
  readonly open?: readonly string[];
  readonly handler: Handler;
}

/** What a path leads to: a route, or the methods it would take. */
export type Match =
  | { readonly route: Route; readonly rest: string }
  | { readonly route: undefined; readonly allow: readonly string[] };

/** Finds routes by method and path. */
export class RouteTable {
  readonly #exact = new Map<string, Route[]>();
  readonly #below: Route[] = [];

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      if (route.path.endsWith('/*')) this.#below.push(route);
      else this.#exact.set(route.path, [...(this.#exact.get(route.path) ?? []), route]);
    }
  }

  match(method: string, path: string): Match | undefined {
    return this.#find(method, path) ?? this.#find(method, tidy(path));
  }

  /** The route that an unknown path may have been meant for, as it would be asked. */
  nearest(path: string): string | undefined {
    const found = nearest(tidy(path), [...this.#exact.keys()]);
    if (found === undefined || !isAlike(tidy(path), found)) return undefined;
    return `${this.#exact.get(found)?.[0]?.methods[0]} ${found}`;
  }

  #find(method: string, path: string): Match | undefined {
    const exact = this.#exact.get(path);
    if (exact !== undefined) return pick(exact, method, '');
    const below = this.#below.find(
      (route) => path.startsWith(route.path.slice(0, -1)) && path.length >= route.path.length,
    );
    if (below === undefined) return undefined;
    const routes = this.#below.filter((route) => route.path === below.path);
    return pick(routes, method, path.slice(below.path.length - 1));
  }
}

function pick(routes: readonly Route[], method: string, rest: string): Match {
  const route = routes.find(({ methods }) => methods.includes(method));
  return route === undefined ? { route, allow: routes.flatMap(({ methods }) => methods) } : { route, rest };
}

const WITHOUT_V1 =
  /^\/(chat\/completions|completions|embeddings|models|responses|messages|audio\/(?:transcriptions|translations)|systemone)(?=\/|$)/;

/** A path as it is meant: clients are known to send slashes or a prefix too many, and `/v1` doubled or not at all. */
export function tidy(path: string): string {
  const single = path.replace(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '');
  const bare = single.replace(/^\/ollama(?=\/|$)/, '').replace(/^\/api(?=\/v1\/)/, '') || '/';
  return bare.replace(/^(\/v1){2,}(?=\/)/, '/v1').replace(WITHOUT_V1, '/v1/$1');
}
