import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { defaultConfig, loadConfig } from '../../src/config/load.ts';
import { inFolder, load } from './load-text.ts';

const REFERENCE_FILE = `# config.yaml
endpoints:
  - http://localhost:11434
  - http://192.168.0.51:11434
  # External OpenAI-compatible endpoints
  - https://openrouter.ai/api/v1

llama_server_endpoints:
  - http://localhost:8080/v1
  - http://192.168.0.33:8889/v1

# Maximum concurrent connections *per endpoint‑model pair* (equals to OLLAMA_NUM_PARALLEL)
max_concurrent_connections: 2

nomyo-router-api-key: ""

api_keys:
  "http://192.168.0.51:11434": "ollama"
  "https://openrouter.ai/api/v1": "\${OPENROUTER_KEY}"
  "http://localhost:8080/v1": "llama-server"  # Optional API key

db_path: counts.db
cache_enabled: yes
cache_backend: sqlite
cache_similarity: 0.9
cache_ttl: null
cache_db_path: answers.db
cache_redis_url: redis://cache:6379/1
cache_history_weight: 0.5
`;

test("the reference's file is accepted unchanged", () => {
  const config = load(REFERENCE_FILE, { OPENROUTER_KEY: 'or-1' });
  const told = config.endpoints.map(({ url, kind, key }) => [url, kind, key?.reveal()]);
  assert.deepEqual(told, [
    ['http://localhost:11434', 'ollama', undefined],
    ['http://192.168.0.51:11434', 'ollama', 'ollama'],
    ['https://openrouter.ai/api/v1', 'openai', 'or-1'],
    ['http://localhost:8080/v1', 'llama-server', 'llama-server'],
    ['http://192.168.0.33:8889/v1', 'llama-server', undefined],
  ]);
  assert.equal(config.maxConcurrentConnections, 2);
  assert.equal(config.routerKey, undefined);
  assert.equal(config.dbPath, 'counts.db');
  assert.deepEqual(config.cache, {
    enabled: true,
    backend: 'sqlite',
    similarity: 0.9,
    ttl: null,
    dbPath: 'answers.db',
    redisUrl: 'redis://cache:6379/1',
    historyWeight: 0.5,
  });
  assert.deepEqual(config.warnings, ['config.yaml:23:16 cache_enabled: this version has no answer cache yet']);
});

test('with no file the local Ollama is the endpoint and only this machine is listened to', () => {
  const config = inFolder({}, (cwd) => loadConfig({ env: {}, cwd }));
  assert.deepEqual(
    config.endpoints.map(({ url, kind }) => [url, kind]),
    [['http://127.0.0.1:11434', 'ollama']],
  );
  assert.equal(config.host, '127.0.0.1');
  assert.equal(config.port, 12_434);
  assert.equal(config.file, undefined);
});

for (const text of ['', '# nothing yet\n', 'endpoints:\n', 'llama_server_endpoints: []\n', '---\n']) {
  test(`a file that configures no endpoint means the local Ollama: ${JSON.stringify(text)}`, () => {
    assert.equal(load(text).endpoints[0]?.url, 'http://127.0.0.1:11434');
  });
}

test('llama-servers alone do not bring the local Ollama with them', () => {
  const { endpoints } = load('llama_server_endpoints:\n  - http://a:8080/v1\n');
  assert.deepEqual(
    endpoints.map(({ url }) => url),
    ['http://a:8080/v1'],
  );
});

test('an option beats the environment, the environment the file', () => {
  const file = 'port: 1\nhost: 10.0.0.1\ndb_path: file.db\ncache_ttl: 5\n';
  const env = { NOMYO_ROUTER_PORT: '2', NOMYO_ROUTER_HOST: '10.0.0.2', NOMYO_ROUTER_DB_PATH: 'env.db' };
  const config = load(file, { ...env, NOMYO_ROUTER_CACHE_TTL: 'none' }, { port: 3 });
  assert.deepEqual([config.port, config.host, config.dbPath, config.cache.ttl], [3, '10.0.0.2', 'env.db', null]);
});

test('every cache setting can come from the environment', () => {
  const env = {
    NOMYO_ROUTER_CACHE_ENABLED: 'true',
    NOMYO_ROUTER_CACHE_BACKEND: 'redis',
    NOMYO_ROUTER_CACHE_SIMILARITY: '0.5',
    NOMYO_ROUTER_CACHE_TTL: '60',
    NOMYO_ROUTER_CACHE_DB_PATH: 'c.db',
    NOMYO_ROUTER_CACHE_REDIS_URL: 'redis://r/2',
    NOMYO_ROUTER_CACHE_HISTORY_WEIGHT: '0',
  };
  assert.deepEqual(load('cache_enabled: false', env).cache, {
    enabled: true,
    backend: 'redis',
    similarity: 0.5,
    ttl: 60,
    dbPath: 'c.db',
    redisUrl: 'redis://r/2',
    historyWeight: 0,
  });
});

test('an empty environment variable sets nothing', () => {
  assert.equal(load('port: 1', { NOMYO_ROUTER_PORT: '', UVICORN_PORT: '' }).port, 1);
});

test("the reference's UVICORN_ variables are read with a warning, unless the router's own is set", () => {
  const config = load('', { UVICORN_PORT: '8000' });
  assert.equal(config.port, 8000);
  assert.deepEqual(config.warnings, ["UVICORN_PORT is the reference's variable: NOMYO_ROUTER_PORT is this router's"]);
  const both = load('', { UVICORN_PORT: '8000', NOMYO_ROUTER_PORT: '9000' });
  assert.deepEqual([both.port, both.warnings], [9000, []]);
});

test('endpoints of the command line stand in place of the lists of the file, and keep their keys', () => {
  const file = 'endpoints: [http://a]\nllama_server_endpoints: [http://b/v1]\napi_keys: {"http://c": k}\n';
  const config = load(file, {}, { endpoints: ['http://c', 'http://d/v1'] });
  assert.deepEqual(
    config.endpoints.map(({ url, kind, key }) => [url, kind, key?.reveal()]),
    [
      ['http://c', 'ollama', 'k'],
      ['http://d/v1', 'openai', undefined],
    ],
  );
});

test('the environment names the file, an option names it before that', () => {
  inFolder({ 'a.yaml': 'port: 1', 'b.yaml': 'port: 2', 'c.yaml': 'port: 3' }, (cwd) => {
    const env = { NOMYO_ROUTER_CONFIG_PATH: 'a.yaml', CONFIG_PATH: 'b.yaml' };
    assert.equal(loadConfig({ env, cwd }).port, 1);
    assert.equal(loadConfig({ env: { CONFIG_PATH: 'b.yaml' }, cwd }).port, 2);
    const named = loadConfig({ overrides: { config: 'c.yaml' }, env, cwd });
    assert.deepEqual([named.port, named.file], [3, join(cwd, 'c.yaml')]);
  });
});

test('a named file that is missing stops the start', () => {
  inFolder({}, (cwd) => {
    assert.throws(() => loadConfig({ overrides: { config: 'x.yaml' }, env: {}, cwd }), {
      message: 'x.yaml (named by --config) does not exist',
      exitCode: 3,
    });
    assert.throws(() => loadConfig({ env: { NOMYO_ROUTER_CONFIG_PATH: 'y.yaml' }, cwd }), {
      message: 'y.yaml (named by NOMYO_ROUTER_CONFIG_PATH) does not exist',
    });
  });
});

test('a folder in the place of the file stops the start, also where the file is optional', () => {
  inFolder({}, (cwd) => {
    mkdirSync(join(cwd, 'config.yaml'));
    assert.throws(() => loadConfig({ env: {}, cwd }), { message: 'config.yaml is a folder, not a file' });
  });
});

test('a file larger than any configuration stops the start', () => {
  inFolder({}, (cwd) => {
    writeFileSync(join(cwd, 'config.yaml'), '# '.repeat(600_000));
    assert.throws(() => loadConfig({ env: {}, cwd }), {
      message: 'config.yaml is larger than 1 MiB, which no configuration is',
    });
  });
});

for (const spelling of [
  'router_api_key',
  'nomyo-router-api-key',
  'nomyo_router_api_key',
  'nomyo-router_api_key',
  'nomyo_router-api_key',
]) {
  test(`the router key may be spelled ${spelling}, and beats the environment`, () => {
    assert.equal(load(`${spelling}: 0123`, { NOMYO_ROUTER_API_KEY: 'other' }).routerKey?.reveal(), '0123');
    assert.equal(load(`${spelling}: ""`).routerKey, undefined);
    assert.equal(load(`${spelling}: ""`, { NOMYO_ROUTER_API_KEY: 'other' }).routerKey?.reveal(), 'other');
  });
}

test('a second spelling of the router key is a warning', () => {
  const config = load('nomyo-router-api-key: a\nrouter_api_key: b\n');
  assert.equal(config.routerKey?.reveal(), 'b');
  assert.deepEqual(config.warnings, [
    "config.yaml:1:23 nomyo-router-api-key is not used: the router's key stands under router_api_key",
  ]);
});

test('sizes and times may have units; a number alone is bytes or seconds', () => {
  const { limits, timeouts } = load('limits: {body: 1048576, held: 2 GiB}\ntimeouts: {idle: 1.5, connect: 500ms}\n');
  assert.deepEqual(limits, { bodyBytes: 1048576, heldBytes: 2 ** 31 });
  assert.deepEqual([timeouts.idle, timeouts.connect, timeouts.firstByte], [1500, 500, 1_800_000]);
});

test('a byte order mark and Windows line ends change nothing', () => {
  assert.equal(load('\uFEFFport: 7\r\nhost: "::1"\r\n').port, 7);
});

test('the configuration is frozen to its leaves', () => {
  const config = load('endpoints: [{url: http://a, models: [m], key: k}]\ncors_origins: ["*"]\n');
  const parts = [config, config.endpoints, config.cache, config.limits, config.timeouts, config.corsOrigins];
  const endpoint = config.endpoints[0];
  for (const part of [...parts, config.warnings, endpoint, endpoint?.models]) assert.ok(Object.isFrozen(part));
});

test('settings in code get the same defaults and checks', () => {
  const config = defaultConfig({ port: 0, endpoints: [{ url: 'http://127.0.0.1:1', name: 'gpu-a', slots: 2 }] });
  const fromFile = load('port: 0\nendpoints:\n  - {url: "http://127.0.0.1:1", name: gpu-a, slots: 2}\n');
  assert.deepEqual({ ...config, file: '' }, { ...fromFile, file: '' });
  assert.throws(() => defaultConfig({ port: -1 }), { message: 'port must be a whole number from 0 to 65535' });
});

test('a cache that is switched on is a warning while there is none', () => {
  const { cache, warnings } = load('endpoints: [http://a:1]\ncache_enabled: true\n');
  assert.equal(cache.enabled, true);
  assert.deepEqual(warnings, ['config.yaml:2:16 cache_enabled: this version has no answer cache yet']);
});
