import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '../../../src/domain/secret.ts';
import { startSimulatedEndpoint } from '../../../src/simulator/endpoint.ts';
import { failureOf } from '../../support/answer-reader.ts';
import { endpointAt, modelIn, probed } from '../../support/probing.ts';
import { ScriptedServer } from '../../support/scripted-server.ts';

const LIST = '/v1/models';

test('a vLLM server tells its models and their context; all are in memory', async () => {
  await using server = await startSimulatedEndpoint({ kind: 'vllm', models: [{ name: 'm', contextLength: 4096 }] });
  const { loaded, contextLength, slots, item } = modelIn(await probed(endpointAt(server.url, 'vllm')), 'm');
  assert.deepEqual([loaded, contextLength, slots, item?.['id']], [true, 4096, undefined, 'm']);
});

test('an OpenAI-compatible server tells its models, and is asked for nothing else', async () => {
  await using server = await startSimulatedEndpoint({ kind: 'openai', models: ['gpt-a', 'gpt-b'] });
  const { models } = await probed(endpointAt(server.url, 'openai'));
  assert.deepEqual(
    models.map(({ id, loaded }) => [id, loaded]),
    [
      ['gpt-a', true],
      ['gpt-b', true],
    ],
  );
  assert.deepEqual(
    server.requests.map(({ method, target }) => `${method} ${target}`),
    [`GET ${LIST}`],
  );
});

test('an Ollama server may be asked as an OpenAI-compatible one', async () => {
  await using server = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  assert.equal(modelIn(await probed(endpointAt(server.url, 'openai')), 'm:latest').loaded, true);
});

test('a key is sent as it is, and its lack is a failure', async () => {
  await using server = await startSimulatedEndpoint({ kind: 'openai', models: ['m'], key: 'sk-1' });
  const withKey = endpointAt(server.url, 'openai', { key: new Secret('sk-1') });
  assert.equal((await probed(withKey)).models.length, 1);
  const failure = await failureOf(probed(endpointAt(server.url, 'openai')));
  assert.deepEqual([failure.reason, failure.message], ['invalid', `answered 401 to GET ${LIST}`]);
});

test('a server that lists nothing has what the allow-list says', async () => {
  for (const status of [404, 405]) {
    await using server = await startSimulatedEndpoint({ kind: 'openai' });
    server.faults.add({ on: { path: LIST }, status, body: { error: { message: 'no such route' } } });
    const { models } = await probed(endpointAt(server.url, 'openai', { models: ['a', 'b'] }));
    assert.deepEqual(
      models.map(({ id, loaded }) => [id, loaded]),
      [
        ['a', true],
        ['b', true],
      ],
    );
    assert.equal(
      (await failureOf(probed(endpointAt(server.url, 'openai')))).message,
      `answered ${status} to GET ${LIST}`,
    );
  }
});

test('an allow-list does not hide that a server refuses its key, fails, or is not there', async () => {
  await using server = await startSimulatedEndpoint({ kind: 'openai', models: ['a'] });
  const endpoint = endpointAt(server.url, 'openai', { models: ['a'] });
  for (const status of [401, 403, 500, 503]) {
    server.faults.add({ on: { path: LIST }, status, times: 1, body: { error: { message: ' 404 ' } } });
    assert.equal((await failureOf(probed(endpoint))).message, `answered ${status} to GET ${LIST}`);
  }
  await server.stop();
  assert.equal((await failureOf(probed(endpoint))).reason, 'unreachable');
});

test('a web page, or JSON that is no list, in place of the list is a failure, not a server without models', async () => {
  await using server = await startSimulatedEndpoint({ kind: 'openai', models: ['m'] });
  for (const body of [
    '<!doctype html><title>Sign in</title>',
    '',
    '[]',
    '"x"',
    '{}',
    '{"data":{}}',
    '{"data":"m"}',
    '{"dat',
  ]) {
    server.faults.add({ on: { path: LIST }, status: 200, times: 1, body });
    const failure = await failureOf(probed(endpointAt(server.url, 'openai')));
    assert.deepEqual([failure.reason, failure.message], ['invalid', 'does not answer with a list of models'], body);
  }
});

test('a server without models is one, also where it writes null for the list', async () => {
  await using server = await startSimulatedEndpoint({ kind: 'openai' });
  assert.deepEqual((await probed(endpointAt(server.url, 'openai'))).models, []);
  server.faults.add({ on: { path: LIST }, status: 200, body: '{"object":"list","data":null}' });
  assert.deepEqual((await probed(endpointAt(server.url, 'openai'))).models, []);
});

test('entries without an id, and what is no entry, are left out', async () => {
  await using server = await startSimulatedEndpoint({ kind: 'openai' });
  server.faults.add({
    on: { path: LIST },
    status: 200,
    body: '{"data":[null,3,"x",[],{},{"id":""},{"id":7},{"id":"m"}]}',
  });
  assert.deepEqual(
    (await probed(endpointAt(server.url, 'openai'))).models.map(({ id }) => id),
    ['m'],
  );
});

test('a list may come in many pieces', async () => {
  const pieces = ['{"data":[{"id":"', 'first"},{"id":"sec', 'ond"}]}'];
  await using server = await ScriptedServer.start(async (peer) => {
    await peer.request();
    await peer.write('HTTP/1.1 200 OK\r\nContent-Length: 41\r\n\r\n');
    for (const piece of pieces) await peer.write(piece);
  });
  const { models } = await probed(endpointAt(server.url, 'openai'));
  assert.deepEqual(
    models.map(({ id }) => id),
    ['first', 'second'],
  );
});

test('a redirect is a failure', async () => {
  await using server = await startSimulatedEndpoint({ kind: 'openai' });
  server.faults.add({ on: { path: LIST }, status: 301, headers: { Location: '/elsewhere' }, body: '' });
  assert.equal((await failureOf(probed(endpointAt(server.url, 'openai')))).message, `answered 301 to GET ${LIST}`);
});

test('a list without end is not read to its end', async () => {
  const megabyte = Buffer.alloc(1024 * 1024, ' ');
  await using server = await ScriptedServer.start(async (peer) => {
    await peer.request();
    await peer.write('HTTP/1.1 200 OK\r\n\r\n');
    for (;;) await peer.write(megabyte);
  });
  const failure = await failureOf(probed(endpointAt(server.url, 'openai')));
  assert.deepEqual([failure.reason, failure.message], ['invalid', 'sent an answer that is too long']);
  await server.deserted();
});

test('a list that comes byte by byte without end is given up in time', async () => {
  await using server = await ScriptedServer.start(async (peer) => {
    await peer.request();
    await peer.write('HTTP/1.1 200 OK\r\n\r\n');
    for (;;) await peer.write(' ');
  });
  const failure = await failureOf(probed(endpointAt(server.url, 'openai'), undefined, 50));
  assert.deepEqual([failure.reason, failure.message], ['timeout', 'did not answer in 0.05 s']);
  await server.deserted();
});
