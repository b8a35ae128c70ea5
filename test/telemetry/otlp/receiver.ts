import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Json } from '../../support/wire.ts';

/** A request that a receiver got. */
interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** How a receiver answers; it takes everything unless it is told otherwise. */
export type Answer = (response: ServerResponse) => void;

/** An HTTP server that takes OTLP in JSON, and keeps what it got. */
export interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly requests: Received[];
  /** The answers to the next requests, in turn. */
  readonly answers: Answer[];
  /** Resolves when it has got so many requests. */
  got(count: number): Promise<void>;
}

const take: Answer = (response) => {
  response.setHeader('content-type', 'application/json').end('{"partialSuccess":{}}');
};

/** An answer with a status and nothing else. */
export function refusing(status: number, headers: Readonly<Record<string, string>> = {}): Answer {
  return (response) => void response.writeHead(status, headers).end();
}

export async function startReceiver(port = 0): Promise<Receiver> {
  const requests: Received[] = [];
  const answers: Answer[] = [];
  const waiting = new Set<() => void>();
  const server = createServer(async (request, response) => {
    const { url = '', headers, method } = request;
    const body = await text(request);
    if (method !== 'POST' || headers['content-type'] !== 'application/json') return void response.writeHead(415).end();
    requests.push({ path: url, headers, body });
    (answers.shift() ?? take)(response);
    for (const look of waiting) look();
  });
  await once(server.listen(port, '127.0.0.1'), 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    answers,
    got(count) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const look = () => {
        if (requests.length >= count) resolve();
      };
      waiting.add(look);
      look();
      return promise.finally(() => waiting.delete(look));
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The spans of all requests, read strictly. */
export function spansIn({ requests }: Receiver): Json[] {
  return requests
    .filter(({ path }) => path.endsWith('/v1/traces'))
    .flatMap(({ body }) => {
      const [resourceSpans, ...others] = JSON.parse(body).resourceSpans;
      assert.equal(others.length, 0);
      return resourceSpans.scopeSpans.flatMap(({ spans }: Json) => spans).map(strictSpan);
    });
}

/** The metrics of the last request by name, each a list of data points, read strictly. */
export function metricsIn({ requests }: Receiver): Map<string, Json[]> {
  const body = requests.findLast(({ path }) => path.endsWith('/v1/metrics'))?.body ?? '{"resourceMetrics":[]}';
  const metrics = JSON.parse(body).resourceMetrics.flatMap(({ scopeMetrics }: Json) =>
    scopeMetrics.flatMap(({ metrics }: Json) => metrics),
  );
  return new Map(metrics.map((metric: Json) => [metric.name, strictPoints(metric)]));
}

const SPAN_FIELDS =
  /^(traceId|spanId|parentSpanId|flags|name|kind|startTimeUnixNano|endTimeUnixNano|attributes|status)$/;
const NANOS = /^\d{19}$/;

function strictSpan(span: Json): Json {
  for (const field in span) assert.match(field, SPAN_FIELDS);
  assert.match(span.traceId, /^[0-9a-f]{32}$/);
  assert.match(span.spanId, /^[0-9a-f]{16}$/);
  if (span.parentSpanId !== undefined) assert.match(span.parentSpanId, /^[0-9a-f]{16}$/);
  assert.match(span.startTimeUnixNano, NANOS);
  assert.match(span.endTimeUnixNano, NANOS);
  assert.ok(span.endTimeUnixNano >= span.startTimeUnixNano);
  assert.ok(span.kind === 2 || span.kind === 3, 'SERVER or CLIENT, as a number');
  assert.equal(typeof span.flags, 'number');
  return { ...span, attributes: attributesIn(span.attributes) };
}

function strictPoints({ unit, histogram }: Json): Json[] {
  assert.match(unit, /^(s|\{token\})$/);
  assert.equal(histogram.aggregationTemporality, 2);
  return histogram.dataPoints.map((point: Json) => {
    assert.match(point.startTimeUnixNano, NANOS);
    assert.match(point.timeUnixNano, NANOS);
    assert.equal(point.bucketCounts.length, point.explicitBounds.length + 1);
    for (const count of [point.count, ...point.bucketCounts]) assert.match(count, /^\d+$/);
    const sum = point.bucketCounts.reduce((total: number, count: string) => total + Number(count), 0);
    assert.equal(String(sum), point.count);
    assert.equal(typeof point.sum, 'number');
    return { ...point, attributes: attributesIn(point.attributes) };
  });
}

/** Attributes as an object: whole numbers as `bigint`. */
export function attributesIn(list: Json): Json {
  const found: Json = {};
  for (const { key, value, ...rest } of list) {
    assert.deepEqual(rest, {});
    assert.ok(!(key in found), `${key} stands twice`);
    const [[type, plain] = [], ...more] = Object.entries(value);
    assert.equal(more.length, 0);
    if (type === 'intValue') assert.equal(typeof plain, 'string', '64 bits are a string');
    else
      assert.equal(
        typeof plain,
        String(type)
          .replace('Value', '')
          .replace('double', 'number')
          .replace('bool', 'boolean')
          .replace('numberean', 'boolean'),
      );
    found[key] = type === 'intValue' ? BigInt(String(plain)) : plain;
  }
  return found;
}
