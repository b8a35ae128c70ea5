import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkConfig } from '../../src/cli/check-config.ts';
import { inFolder, load, messageOf } from './load-text.ts';

const ENDPOINTS = `endpoints:
  - {url: "http://a:1", name: gpu-a}
  - {url: "http://b:1", name: gpu-b}
  - https://api.example.org/v1
`;

function managed(text: string): (boolean | undefined)[] {
  return load(`${ENDPOINTS}${text}`).endpoints.map((endpoint) => endpoint.managed);
}

test('models are managed on every Ollama endpoint unless some are named', () => {
  assert.deepEqual(managed(''), [undefined, undefined, undefined]);
  assert.deepEqual(managed('management_endpoints: []\n'), [undefined, undefined, undefined]);
  assert.deepEqual(managed('management_endpoints: [gpu-b]\n'), [false, undefined, undefined]);
  assert.deepEqual(managed('management_endpoints: ["http://a:1/"]\n'), [undefined, false, undefined]);
});

test('a name that is no Ollama endpoint stops the start and shows those that are', () => {
  for (const name of ['gpu-x', 'api.example.org']) {
    assert.equal(
      messageOf(`${ENDPOINTS}management_endpoints: [gpu-a, ${name}]\n`),
      'config.yaml:5:31 management_endpoints[1] names no Ollama endpoint; there are: gpu-a, gpu-b',
    );
  }
});

test('check-config shows where models are managed', () => {
  const shown = (text: string) =>
    inFolder({ 'config.yaml': `${ENDPOINTS}${text}` }, (cwd) => checkConfig({ env: {}, cwd })).stdout;
  assert.match(shown(''), /\nmanagement_endpoints: \[\]\n/);
  assert.match(shown('management_endpoints: [gpu-b]\n'), /\nmanagement_endpoints:\n {2}- gpu-b\n/);
});
