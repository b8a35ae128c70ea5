import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ollama } from 'ollama';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { routerBefore } from '../support/router.ts';

test("Ollama's npm client manages models on two endpoints", async () => {
  const options = { kind: 'ollama', registry: ['x'] } as const;
  await using a = await startSimulatedEndpoint(options);
  await using b = await startSimulatedEndpoint(options);
  await using router = await routerBefore([a, b]);
  const client = new Ollama({ host: router.url });
  const names = async () => (await client.list()).models.map(({ name }) => name).toSorted();

  const said: string[] = [];
  for await (const { status } of await client.pull({ model: 'x', stream: true })) said.push(status);
  assert.deepEqual([said[0], said.at(-1)], ['pulling manifest', 'success']);
  assert.equal((await client.pull({ model: 'x' })).status, 'success');
  assert.equal((await client.create({ model: 'y', from: 'x' })).status, 'success');
  assert.equal((await client.push({ model: 'y' })).status, 'success');
  assert.deepEqual(await client.copy({ source: 'y', destination: 'z' }), { status: 'success' });
  assert.deepEqual(await names(), ['x:latest', 'y:latest', 'z:latest']);
  for (const model of ['x', 'y', 'z']) await client.delete({ model });
  assert.deepEqual(await names(), []);

  await assert.rejects(client.delete({ model: 'x' }), /model 'x' not found/);
  await assert.rejects(client.pull({ model: 'none' }), /pull model manifest: file does not exist/);
  await assert.rejects(async () => {
    for await (const _ of await client.pull({ model: 'none', stream: true }));
  }, /pull model manifest: file does not exist/);
});
