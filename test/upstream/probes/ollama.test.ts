import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startSimulatedEndpoint } from '../../../src/simulator/endpoint.ts';
import { failureOf } from '../../support/answer-reader.ts';
import { endpointAt, modelIn, probed } from '../../support/probing.ts';

test('an Ollama server tells its models, those in memory, and how much context each has', async () => {
  await using server = await startSimulatedEndpoint({
    kind: 'ollama',
    version: '0.24.0',
    models: [
      { name: 'llama3', contextLength: 4096 },
      { name: 'qwen:7b', contextLength: 32_768 },
    ],
    loaded: ['qwen:7b'],
  });
  const found = await probed(endpointAt(server.url, 'ollama'));
  assert.equal(found.version, '0.24.0');
  const [llama, qwen] = [modelIn(found, 'llama3:latest'), modelIn(found, 'qwen:7b')];
  assert.deepEqual([llama.loaded, llama.ps, llama.tags?.['name']], [false, undefined, 'llama3:latest']);
  assert.deepEqual([qwen.loaded, qwen.ps?.['name'], qwen.contextLength], [true, 'qwen:7b', 32_768]);
  assert.deepEqual([llama.slots, llama.managed], [undefined, undefined]);
});

test('probing an Ollama server loads nothing and touches no keep-alive', async () => {
  await using server = await startSimulatedEndpoint({ kind: 'ollama', models: ['a', 'b'], loaded: ['a'] });
  await probed(endpointAt(server.url, 'ollama'));
  assert.deepEqual(server.requests.map(({ method, target }) => `${method} ${target}`).sort(), [
    'GET /api/ps',
    'GET /api/tags',
    'GET /api/version',
  ]);
  assert.deepEqual(server.loadedModels(), ['a:latest']);
});

test('the context of a loaded model is that of the load, of another the greatest it can have', async () => {
  await using server = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  const endpoint = endpointAt(server.url, 'ollama');
  const tags = { models: [{ name: 'm:latest', details: { context_length: 131_072 } }] };
  server.faults.add({ on: { path: '/api/tags' }, status: 200, body: tags });
  assert.equal(modelIn(await probed(endpoint), 'm:latest').contextLength, 131_072);
  server.faults.add({
    on: { path: '/api/ps' },
    status: 200,
    body: { models: [{ name: 'm:latest', context_length: 4096 }] },
  });
  assert.equal(modelIn(await probed(endpoint), 'm:latest').contextLength, 4096);
});

test('entries without a name, and what is no entry, are left out', async () => {
  await using server = await startSimulatedEndpoint({ kind: 'ollama' });
  const body = '{"models":[null,3,"x",[],{},{"name":""},{"name":7},{"model":"by-model:1b"},{"name":"by-name:1b"}]}';
  server.faults.add({ on: { path: '/api/tags' }, status: 200, body });
  server.faults.add({ on: { path: '/api/ps' }, status: 200, body: { models: null } });
  const { models } = await probed(endpointAt(server.url, 'ollama'));
  assert.deepEqual(
    models.map(({ id, loaded }) => [id, loaded]),
    [
      ['by-model:1b', false],
      ['by-name:1b', false],
    ],
  );
});

test('a llama-server behind the URL of an Ollama server is told apart, also one with routes for Ollama clients', async () => {
  await using server = await startSimulatedEndpoint({ kind: 'llama-server', models: ['m'] });
  const endpoint = endpointAt(server.url, 'ollama');
  assert.equal((await failureOf(probed(endpoint))).reason, 'invalid');
  server.faults.add({
    on: { path: '/api/tags' },
    status: 200,
    body: { models: [{ name: 'm', size: '' }], object: 'list' },
  });
  assert.equal((await failureOf(probed(endpoint))).message, 'answered 404 to GET /api/version');
});

test('a web page in place of every answer is not an Ollama server', async () => {
  await using server = await startSimulatedEndpoint({ kind: 'ollama' });
  server.faults.add({ status: 200, headers: { 'Content-Type': 'text/html' }, body: '<html>Welcome</html>' });
  const failure = await failureOf(probed(endpointAt(server.url, 'ollama')));
  assert.deepEqual([failure.reason, failure.message], ['invalid', 'does not answer as an Ollama server']);
});

test('an Ollama server of which one route fails is a failure', async () => {
  for (const path of ['/api/version', '/api/tags', '/api/ps']) {
    await using server = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    server.faults.add({ on: { path }, status: 500, body: { error: 'no' } });
    assert.equal((await failureOf(probed(endpointAt(server.url, 'ollama')))).message, `answered 500 to GET ${path}`);
  }
});
