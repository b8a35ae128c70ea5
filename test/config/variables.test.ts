// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is the syntax under test
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expandText } from '../../src/config/expand.ts';
import { load, messageOf } from './load-text.ts';

const ENV = { A: 'x', EMPTY: '' };

for (const [text, expanded, missing] of [
  ['${A}', 'x', undefined],
  ['<${A}-${A}>', '<x-x>', undefined],
  ['${B}', '', 'B'],
  ['${B:-d}${C:-}', 'd', undefined],
  ['${EMPTY}|${EMPTY:-d}', '|d', undefined],
  ['$A $5 ${} ${1} ${A', '$A $5 ${} ${1} ${A', undefined],
  ['${constructor}', '', 'constructor'],
] as const) {
  test(`${text} stands for ${JSON.stringify(expanded)}`, () => {
    assert.deepEqual(expandText(text, ENV), { expanded, missing });
  });
}

test("a variable's value is not expanded again", () => {
  assert.equal(expandText('${A}', { A: '${B}', B: 'no' }).expanded, '${B}');
});

test('an unset variable is a warning, and its key is not sent', () => {
  const config = load('endpoints: [https://a/v1]\napi_keys:\n  https://a/v1: ${KEY}\n');
  assert.equal(config.endpoints[0]?.key, undefined);
  assert.deepEqual(config.warnings, ['config.yaml:3:17 ${KEY} is not set: no key is sent to https://a/v1']);
});

test('a router key from an unset variable is a warning that says the router is open', () => {
  const text = 'nomyo-router-api-key: Bearer-${KEY}\n';
  const open = load(text);
  assert.equal(open.routerKey, undefined);
  assert.deepEqual(open.warnings, ['config.yaml:1:23 ${KEY} is not set: clients need no key']);
  const closed = load(text, { NOMYO_ROUTER_API_KEY: 'k' });
  assert.equal(closed.routerKey?.reveal(), 'k');
  assert.deepEqual(closed.warnings, ['config.yaml:1:23 ${KEY} is not set: another router key is used']);
});

test('an endpoint whose URL is not set is left out with a warning', () => {
  const { endpoints, warnings } = load('endpoints:\n  - ${GPU_A}\n  - http://b\n  - {url: "${GPU_C}/x", slots: 2}\n');
  assert.deepEqual(
    endpoints.map(({ url }) => url),
    ['http://b'],
  );
  assert.deepEqual(warnings, [
    'config.yaml:2:5 ${GPU_A} is not set: this entry is left out',
    'config.yaml:4:11 ${GPU_C} is not set: this entry is left out',
  ]);
});

test('a file of which no endpoint is left does not fall back to the local Ollama', () => {
  assert.equal(
    messageOf('endpoints:\n  - ${GPU_A}\n'),
    'config.yaml:2:3 endpoints lists no endpoint: name one, or remove the key to use the Ollama at http://127.0.0.1:11434',
  );
});

test('an allow-list of which no model is left allows none', () => {
  const { endpoints } = load('endpoints:\n  - {url: "http://a", models: ["${M}"]}\n');
  assert.deepEqual(endpoints[0]?.models, []);
});

test('an unset variable in any other setting leaves its default', () => {
  const config = load('port: ${PORT}\nlimits:\n  body: ${BODY}\n');
  assert.deepEqual([config.port, config.limits.bodyBytes], [12_434, 64 * 2 ** 20]);
  assert.deepEqual(config.warnings, [
    'config.yaml:1:7 ${PORT} is not set: this setting counts as not written',
    'config.yaml:3:9 ${BODY} is not set: this setting counts as not written',
  ]);
});

test('a variable can hold a number, and its value is not shown when it does not', () => {
  const text = 'max_concurrent_connections: ${N}\n';
  assert.equal(load(text, { N: '4' }).maxConcurrentConnections, 4);
  assert.equal(
    messageOf(text, { N: 'sk-secret' }),
    'config.yaml:1:29 max_concurrent_connections must be a whole number of at least 1, got what "${N}" stands for',
  );
});

test('a variable may stand in the URL of api_keys as it does in the list', () => {
  const text = 'endpoints:\n  - http://${H}:1\napi_keys:\n  "http://${H}:1": k\n';
  assert.equal(load(text, { H: 'gpu' }).endpoints[0]?.key?.reveal(), 'k');
});
