/** What a request line asks for. */
export interface Target {
  readonly path: string;
  /** What follows the `?`, without the router's own key: as it may go on to an endpoint. */
  readonly query: string;
  /** Keys that the URL carries, percent-encoded: `?api_key=` and `/k/<key>/` in front of the path. */
  readonly keys: readonly string[];
}

/** Takes a request target apart: a path, or a whole URL as proxies send it. */
export function readTarget(url: string): Target {
  const target = url.startsWith('/') ? url : url.replace(/^https?:\/\/[^/?]*/i, '');
  const mark = target.indexOf('?');
  const full = mark === -1 ? target : target.slice(0, mark);
  const pairs = mark === -1 ? [] : target.slice(mark + 1).split('&');
  const inPath = full.startsWith('/k/') ? /^\/k\/([^/]+)(\/.*)?$/.exec(full) : null;
  const inQuery = pairs.filter((pair) => pair.startsWith('api_key=')).map((pair) => pair.slice('api_key='.length));
  return {
    path: (inPath === null ? full : inPath[2]) || '/',
    query: pairs.filter((pair) => !pair.startsWith('api_key=')).join('&'),
    keys: inPath?.[1] === undefined ? inQuery : [...inQuery, inPath[1]],
  };
}
