import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import type { SimulatedEndpoint, SimulatedEndpointOptions } from '../../src/simulator/simulation.ts';
import { ask, type Json } from '../contract/ask.ts';

const messages = [{ role: 'user', content: 'x' }];

function router(options: Partial<SimulatedEndpointOptions>): Promise<SimulatedEndpoint> {
  return startSimulatedEndpoint({ kind: 'llama-server', mode: 'router', models: ['m'], ...options });
}

const chat = (url: string) => ask(url, '/v1/chat/completions', { body: { model: 'm', messages } });

async function status(url: string): Promise<Json> {
  const { value, failed, exit_code: code } = (await ask(url, '/models')).json().data[0].status;
  return { value, failed, code };
}

test('a model that sleeps is listed so, is not woken by looking at it, and wakes for a task', async () => {
  await using endpoint = await router({ sleeping: ['m'] });
  const asleep = { value: 'sleeping', failed: undefined, code: undefined };
  assert.deepEqual(await status(endpoint.url), asleep);
  assert.deepEqual(endpoint.loadedModels(), []);
  assert.equal((await ask(endpoint.url, '/props?model=m')).json().is_sleeping, true);
  assert.deepEqual(await status(endpoint.url), asleep);
  assert.equal((await chat(endpoint.url)).status, 200);
  assert.equal((await status(endpoint.url)).value, 'loaded');
  endpoint.sleep('m');
  assert.equal((await status(endpoint.url)).value, 'sleeping');
  await ask(endpoint.url, '/slots?model=m');
  assert.equal((await status(endpoint.url)).value, 'loaded', 'a look at its slots is a task');
});

test('a model that sleeps is running where it is told to load, and gone where it is told to unload', async () => {
  await using endpoint = await router({ sleeping: ['m'] });
  const told = (path: string) => ask(endpoint.url, path, { body: { model: 'm' } });
  const loaded = await told('/models/load');
  assert.deepEqual([loaded.status, loaded.json().error.message], [400, 'model is already running']);
  assert.equal((await status(endpoint.url)).value, 'sleeping');
  assert.deepEqual((await told('/models/unload')).json(), { success: true });
  assert.equal((await status(endpoint.url)).value, 'unloaded');
});

test('a model that failed says so in the list until its next load', async () => {
  await using endpoint = await router({ failed: ['m'] });
  assert.deepEqual(await status(endpoint.url), { value: 'unloaded', failed: true, code: 1 });
  assert.equal((await chat(endpoint.url)).status, 200);
  assert.deepEqual(await status(endpoint.url), { value: 'loaded', failed: undefined, code: undefined });
});

test('a model whose process dies fails every request for it', async () => {
  await using endpoint = await router({ models: [{ name: 'm', failsToLoad: true }] });
  assert.equal((await status(endpoint.url)).failed, undefined, 'nobody tried yet');
  const answer = await chat(endpoint.url);
  const error = { code: 500, message: 'model name=m failed to load', type: 'server_error' };
  assert.deepEqual([answer.status, answer.json()], [500, { error }]);
  assert.deepEqual(await status(endpoint.url), { value: 'unloaded', failed: true, code: 1 });
});

test('a load that was told to begin and fails shows in the list', async () => {
  await using endpoint = await router({ models: [{ name: 'm', failsToLoad: true, loadMs: 20 }] });
  const told = await ask(endpoint.url, '/models/load', { body: { model: 'm' } });
  assert.deepEqual([told.status, told.json()], [200, { success: true }]);
  let now = await status(endpoint.url);
  assert.equal(now.failed, undefined, 'not yet');
  for (let i = 0; i < 1000 && now.failed !== true; i++) now = await status(endpoint.url);
  assert.deepEqual(now, { value: 'unloaded', failed: true, code: 1 });
});
