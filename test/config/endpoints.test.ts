import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Endpoint } from '../../src/domain/endpoint.ts';
import { load } from './load-text.ts';

function only(entry: string): Endpoint {
  const [endpoint] = load(`endpoints:\n  - ${entry}\n`).endpoints;
  assert.ok(endpoint);
  return endpoint;
}

for (const [entry, url, base, kind, name] of [
  [
    'http://192.168.0.50:11434',
    'http://192.168.0.50:11434',
    'http://192.168.0.50:11434',
    'ollama',
    '192.168.0.50:11434',
  ],
  ['http://gpu-a:11434//', 'http://gpu-a:11434', 'http://gpu-a:11434', 'ollama', 'gpu-a:11434'],
  ['http://gpu-a/ollama/', 'http://gpu-a/ollama', 'http://gpu-a/ollama', 'ollama', 'gpu-a'],
  ['http://gpu-a:80/#x', 'http://gpu-a:80', 'http://gpu-a', 'ollama', 'gpu-a'],
  ['HTTP://GPU-A:11434', 'HTTP://GPU-A:11434', 'http://gpu-a:11434', 'ollama', 'gpu-a:11434'],
  ['"http://[::1]:11434"', 'http://[::1]:11434', 'http://[::1]:11434', 'ollama', '[::1]:11434'],
  [
    'https://openrouter.ai/api/v1',
    'https://openrouter.ai/api/v1',
    'https://openrouter.ai/api',
    'openai',
    'openrouter.ai',
  ],
  ['https://api.openai.com/v1/', 'https://api.openai.com/v1', 'https://api.openai.com', 'openai', 'api.openai.com'],
  ['{url: "http://a:8000/v1", kind: vllm}', 'http://a:8000/v1', 'http://a:8000', 'vllm', 'a:8000'],
  ['{url: "http://a:8000", kind: openai}', 'http://a:8000', 'http://a:8000', 'openai', 'a:8000'],
  ['{url: "http://a:11434/v1", kind: Ollama}', 'http://a:11434/v1', 'http://a:11434', 'ollama', 'a:11434'],
] as const) {
  test(`${entry} is of kind ${kind}, its routes start at ${base}`, () => {
    const endpoint = only(entry);
    assert.deepEqual([endpoint.url, endpoint.base, endpoint.kind, endpoint.name], [url, base, kind, name]);
  });
}

test('an entry may say everything about its endpoint', () => {
  const entry = '{url: "http://a", name: gpu-a, kind: llama-server, slots: 4, key: k, models: [m:1, n], cloud: true}';
  const { key, ...rest } = only(entry);
  assert.equal(key?.reveal(), 'k');
  assert.deepEqual(rest, {
    url: 'http://a',
    base: 'http://a',
    name: 'gpu-a',
    kind: 'llama-server',
    slots: 4,
    models: ['m:1', 'n'],
    cloud: true,
  });
});

test('an entry of llama_server_endpoints is a llama-server unless it says otherwise', () => {
  const { endpoints } = load('llama_server_endpoints:\n  - http://a\n  - {url: "http://b", kind: vllm}\n');
  assert.deepEqual(
    endpoints.map(({ kind }) => kind),
    ['llama-server', 'vllm'],
  );
});

test('a URL without a scheme is taken for http, with a warning', () => {
  const config = load('endpoints:\n  - 192.168.0.50:11434\n  - gpu-b:11434/v1\n');
  assert.deepEqual(
    config.endpoints.map(({ url }) => url),
    ['http://192.168.0.50:11434', 'http://gpu-b:11434/v1'],
  );
  assert.deepEqual(config.warnings, [
    'config.yaml:2:5 http://192.168.0.50:11434 was written without its scheme; http:// is assumed',
    'config.yaml:3:5 http://gpu-b:11434/v1 was written without its scheme; http:// is assumed',
  ]);
});

test('a version in the path other than a /v1 at its end is a warning that shows where requests go', () => {
  const { warnings } = load('endpoints: [https://g.example/v1beta/openai]\n');
  assert.deepEqual(warnings, [
    'config.yaml:1:13 requests to https://g.example/v1beta/openai go to https://g.example/v1beta/openai/v1/...',
  ]);
});

test('names are as short as they can be while each belongs to one endpoint', () => {
  const config = load(
    'endpoints: [http://gw/a, http://gw/b, http://x, https://x, {url: "http://y", name: z}, http://z]\n',
  );
  assert.deepEqual(
    config.endpoints.map(({ name }) => name),
    ['gw/a', 'gw/b', 'http://x', 'https://x', 'z', 'http://z'],
  );
});

test('a key finds its endpoint in spite of a trailing slash or /v1', () => {
  const { endpoints, warnings } = load(`endpoints: [http://a/v1, http://b, "http://c:80/x/"]
api_keys: {"http://a": ka, "http://b/v1/": kb, "http://C/x": kc}
`);
  assert.deepEqual(
    endpoints.map(({ key }) => key?.reveal()),
    ['ka', 'kb', 'kc'],
  );
  assert.deepEqual(warnings, []);
});

test("an entry's own key beats api_keys, and no key reaches another endpoint", () => {
  const { endpoints } = load(`endpoints: [{url: "http://a", key: own}, http://a:81, http://b]
api_keys: {"http://a": other, "http://b": kb}
`);
  assert.deepEqual(
    endpoints.map(({ key }) => key?.reveal()),
    ['own', undefined, 'kb'],
  );
});

test('of two keys for one server the one spelled like the endpoint counts, the other is a warning', () => {
  const config = load('endpoints: [http://a/v1]\napi_keys:\n  "http://a": one\n  "http://a/v1": two\n');
  assert.equal(config.endpoints[0]?.key?.reveal(), 'two');
  assert.deepEqual(config.warnings, [
    'config.yaml:3:15 api_keys["http://a"] gives http://a/v1 a second key, which is not used',
  ]);
});

test('a key for no endpoint is a warning that names the nearest', () => {
  const { warnings } = load('endpoints: [http://a:1, http://192.168.0.5:2]\napi_keys: {"http://192.168.0.6:2": k}\n');
  assert.deepEqual(warnings, [
    'config.yaml:2:36 api_keys["http://192.168.0.6:2"] matches no endpoint; the nearest is http://192.168.0.5:2',
  ]);
});

for (const empty of ['""', 'null', '~', '']) {
  test(`an endpoint's key that is ${empty || 'missing'} means none`, () => {
    const { endpoints, warnings } = load(`endpoints: [http://a]\napi_keys:\n  "http://a": ${empty}\n`);
    assert.equal(endpoints[0]?.key, undefined);
    assert.deepEqual(warnings, []);
  });
}

test('a key is the text that was written, whatever YAML would make of it', () => {
  for (const written of ['0123', '1e5', 'true', '2024-01-01', 'a b', '"\\x80é ü"', "'$ {x} $5 ${'"]) {
    const expected = written.startsWith('"') ? '\x80é ü' : written.replaceAll("'", '');
    assert.equal(
      load(`endpoints: [http://a]\napi_keys:\n  http://a: ${written}\n`).endpoints[0]?.key?.reveal(),
      expected,
    );
  }
});
