import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { splitEvents } from '../../src/protocols/sse.ts';
import { dialectOf, errorBody, errorInStream } from '../../src/server/error-body.ts';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import type { FaultRule } from '../../src/simulator/simulation.ts';
import { eventually, routerBefore } from '../support/router.ts';
import { type Json, textOf } from '../support/wire.ts';

const WORDS = { status: 502, message: 'lost "it"\nall\u2028', code: 'upstream_unreachable', requestId: 'r-1' };

test('an error in a stream is one record, in the words of the protocol', () => {
  const line = errorInStream('ollama', WORDS);
  assert.match(line, /^[^\n]+\n$/);
  assert.deepEqual(JSON.parse(line), { error: WORDS.message });
  for (const dialect of ['openai', 'anthropic'] as const) {
    const [event, ...others] = splitEvents(errorInStream(dialect, WORDS));
    assert.deepEqual(others, []);
    assert.deepEqual(JSON.parse(event?.data ?? ''), JSON.parse(errorBody(dialect, WORDS)));
    assert.doesNotMatch(errorInStream(dialect, WORDS), /\[DONE\]/);
  }
  assert.match(
    errorInStream('anthropic', WORDS),
    /^event: error\ndata: \{"type":"error","error":\{"type":"api_error",/,
  );
  assert.match(errorInStream('openai', WORDS), /^data: \{"error":\{/);
});

test('Anthropic and OpenAI have their own types for the same status', () => {
  const types = (status: number) =>
    (['openai', 'anthropic'] as const).map(
      (dialect): Json => JSON.parse(errorBody(dialect, { ...WORDS, status })).error.type,
    );
  assert.deepEqual(types(400), ['invalid_request_error', 'invalid_request_error']);
  assert.deepEqual(types(404), ['invalid_request_error', 'not_found_error']);
  assert.deepEqual(types(429), ['rate_limit_error', 'rate_limit_error']);
  assert.deepEqual(types(503), ['server_error', 'overloaded_error']);
  assert.deepEqual(types(500), ['server_error', 'api_error']);
});

test('the path says whose words they are', () => {
  for (const [path, dialect] of [
    ['/v1/messages', 'anthropic'],
    ['/v1/messages/count_tokens', 'anthropic'],
    ['/v1/messagesx', 'openai'],
    ['/v1/responses', 'responses'],
    ['/v2/rerank', 'openai'],
    ['/rerank', 'openai'],
    ['/v1/systemone', 'ollama'],
    ['/api/chat', 'ollama'],
    ['/x', 'ollama'],
  ])
    assert.equal(dialectOf(path ?? ''), dialect, path);
});

const BODY = { model: 'm', messages: [{ role: 'user', content: 'say 9 tokens' }], stream: true };
const BUSY = { status: 503, body: { error: 'busy' }, headers: { 'X-Secret': 'x' } };

describe('an answer that never came, after signs of life,', () => {
  for (const [name, fault, message, code] of [
    ['because the endpoint was too slow', { hang: true }, /no endpoint could serve 'm': \S+ /, 'upstream_timeout'],
    ['because it was busy', { delayMs: 600, ...BUSY }, /^busy$/, null],
    [
      'because it had no answer',
      { delayMs: 600, status: 200, body: '' },
      /ended the answer early/,
      'upstream_unreachable',
    ],
  ] as const) {
    for (const path of ['/api/chat', '/v1/chat/completions']) {
      test(`${name}, is an error and no more, on ${path}`, async () => {
        await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
        const rule: FaultRule = { on: { method: 'POST' }, ...fault };
        endpoint.faults.add(rule);
        const first_byte = 'hang' in fault ? '600ms' : '10s';
        await using router = await routerBefore([endpoint], { timeouts: { heartbeat: '10ms', first_byte } });
        const answer = await router.ask(path, { body: BODY });
        const records = textOf(answer)
          .split('\n')
          .filter((line) => line !== '' && !line.startsWith(':') && !line.includes('"done":false'));
        assert.deepEqual([answer.status, answer.complete, records.length], [200, true, 1], textOf(answer));
        const { error }: Json = JSON.parse((records[0] ?? '').replace(/^data: /, ''));
        assert.match(path === '/api/chat' ? error : error.message, message);
        if (path !== '/api/chat') assert.equal(error.code, code);
        assert.doesNotMatch(JSON.stringify(answer.headers), /secret/i);
        await router.idle();
      });
    }
  }

  test('leaves the connection fit for the next request', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    endpoint.faults.add({ on: { method: 'POST' }, times: 1, delayMs: 600, ...BUSY });
    await using router = await routerBefore([endpoint], { timeouts: { heartbeat: '10ms' } });
    using wire = await router.open();
    wire.request('/api/chat', { body: BODY });
    assert.match(textOf(await wire.answer()), /\{"error":"busy"\}\n$/);
    wire.request('/api/chat', { body: BODY });
    assert.match(textOf(await wire.answer()), /"done":true/);
  });

  test('is told to nobody who left meanwhile', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    endpoint.faults.add({ on: { method: 'POST' }, hang: true });
    await using router = await routerBefore([endpoint], { timeouts: { heartbeat: '10ms' } });
    const wire = await router.open();
    wire.request('/api/chat', { body: BODY });
    await wire.until(() => wire.received.includes('"done":false'));
    wire.leave();
    await router.idle();
    await eventually(() => endpoint.requests.some(({ method, clientLeft }) => method === 'POST' && clientLeft));
  });
});
