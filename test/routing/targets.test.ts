import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Endpoint } from '../../src/domain/endpoint.ts';
import { type ErrorCode, RouterError } from '../../src/errors.ts';
import { Catalog } from '../../src/routing/catalog.ts';
import { chooseTargets, managed } from '../../src/routing/targets.ts';

function endpoint(name: string, more: Partial<Endpoint> = {}): Endpoint {
  return { name, url: `http://${name}:1`, base: `http://${name}:1`, kind: 'ollama', cloud: false, ...more };
}

const a = endpoint('gpu-a');
const b = endpoint('gpu-b');
const down = endpoint('gpu-c');
const apart = endpoint('gpu-d', { managed: false });
const llama = endpoint('llama', { kind: 'llama-server' });

function catalogOf(...endpoints: readonly Endpoint[]): Catalog {
  const catalog = new Catalog(endpoints);
  for (const one of endpoints) {
    if (one === down) catalog.failed(one, 'connection refused', false);
    else catalog.found(one, { version: '1', models: [] });
  }
  return catalog;
}

function refused(code: ErrorCode, message: RegExp) {
  return (error: unknown) => error instanceof RouterError && error.code === code && message.test(error.message);
}

test('every healthy Ollama endpoint is a target unless it is set apart', () => {
  assert.deepEqual(chooseTargets(catalogOf(a, llama, down, b, apart), undefined), [a, b]);
  assert.deepEqual(managed(catalogOf(a, llama, down, b, apart), undefined), [a, down, b]);
});

test('endpoints are named by name or URL, also those that cannot be reached and those set apart', () => {
  const catalog = catalogOf(a, llama, down, b, apart);
  assert.deepEqual(chooseTargets(catalog, ['gpu-d', ' gpu-c ', 'http://gpu-a:1/', 'gpu-a', '']), [apart, down, a]);
});

test('an endpoint that does not exist is refused with the names of those that do', () => {
  const isRefused = refused('invalid_parameter', /^endpoint 'gpu-x' does not exist \(gpu-a, gpu-b\)$/);
  assert.throws(() => chooseTargets(catalogOf(a, b, llama), ['gpu-a', 'gpu-x']), isRefused);
  assert.throws(() => chooseTargets(catalogOf(a, b), [' ']), refused('invalid_parameter', /names no endpoint/));
});

test('models on servers other than Ollama cannot be managed', () => {
  assert.throws(
    () => chooseTargets(catalogOf(a, llama), ['llama']),
    refused('invalid_parameter', /llama cannot be managed.*\(gpu-a\)/),
  );
  assert.throws(() => chooseTargets(catalogOf(llama), undefined), refused('not_implemented', /Ollama endpoints only/));
  assert.throws(() => chooseTargets(catalogOf(llama), ['x']), refused('not_implemented', /Ollama endpoints only/));
});

test('without a healthy endpoint the request may come again', () => {
  const isRefused = refused('endpoint_unavailable', /no Ollama endpoint can be reached now \(gpu-c\)/);
  assert.throws(() => chooseTargets(catalogOf(down, llama), undefined), isRefused);
});
