import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countTokens, messages } from '../../../src/protocols/anthropic/operations.ts';
import { transcriptions, translations } from '../../../src/protocols/audio/operations.ts';
import { chat, embed, embeddings, generate } from '../../../src/protocols/ollama/operations.ts';
import { systemOne } from '../../../src/protocols/ollama/systemone.ts';
import { completions } from '../../../src/protocols/openai/completions.ts';
import { openaiEmbeddings } from '../../../src/protocols/openai/embeddings.ts';
import { chatCompletions } from '../../../src/protocols/openai/operations.ts';
import { responses } from '../../../src/protocols/responses/operations.ts';
import { operationOf, providerOf } from '../../../src/telemetry/otlp/gen-ai.ts';
import { attributesIn, spansIn, startReceiver } from './receiver.ts';
import { Asked, askWell, endpoint, exportTo, gpuA, gpuB } from './requests.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const ONLY_TRACES = { OTEL_METRICS_EXPORTER: 'none' };

test('a request is a SERVER span, and what it was sent on as a CLIENT span under it', async () => {
  await using receiver = await startReceiver();
  const otlp = exportTo(receiver.url, ONLY_TRACES);
  askWell(otlp);
  await otlp.close();
  const [server, client, ...others] = spansIn(receiver);
  assert.equal(others.length, 0);
  assert.deepEqual(
    [server.kind, server.name, server.parentSpanId, server.status, server.flags],
    [2, 'POST /api/chat', undefined, undefined, 0x101],
  );
  assert.deepEqual([server.startTimeUnixNano, server.endTimeUnixNano], ['1800000000000000000', '1800000001000000000']);
  assert.deepEqual(server.attributes, {
    'http.request.method': 'POST',
    'http.route': '/api/chat',
    'http.response.status_code': 200n,
    'url.path': '/api/chat',
    'url.scheme': 'http',
    'client.address': '10.0.0.7',
    'user_agent.original': 'ollama-js/0.6.4',
    'gen_ai.request.model': 'llama3.2',
    'nomyo.request_id': 'req_1',
    'nomyo.outcome': 'ok',
    'nomyo.queue_ms': 100n,
    'nomyo.retries': 0n,
  });
  assert.deepEqual([client.kind, client.name, client.status], [3, 'chat llama3.2:latest', undefined]);
  assert.deepEqual([client.traceId, client.parentSpanId], [server.traceId, server.spanId]);
  assert.deepEqual([client.startTimeUnixNano, client.endTimeUnixNano], ['1800000000100000000', '1800000001000000000']);
  assert.deepEqual(client.attributes, {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'ollama',
    'gen_ai.request.model': 'llama3.2:latest',
    'server.address': 'gpu-a',
    'server.port': 11434n,
    'nomyo.endpoint': 'gpu-a',
    'nomyo.route.reason': 'free_slot',
    'nomyo.model_loaded': true,
    'nomyo.queue_ms': 100n,
    'nomyo.retries': 0n,
    'gen_ai.request.stream': true,
    'gen_ai.response.model': 'llama3.2:latest',
    'gen_ai.response.time_to_first_chunk': 0.15,
    'gen_ai.usage.input_tokens': 5n,
    'gen_ai.usage.output_tokens': 4n,
  });
});

test('the resource says which router it is', async () => {
  await using receiver = await startReceiver();
  const otlp = exportTo(receiver.url, { ...ONLY_TRACES, OTEL_RESOURCE_ATTRIBUTES: 'host.name=box' });
  askWell(otlp);
  await otlp.close();
  const [{ resource, scopeSpans }] = JSON.parse(receiver.requests[0]?.body ?? '').resourceSpans;
  const { 'service.instance.id': instance, ...rest } = attributesIn(resource.attributes);
  assert.match(instance, /^[0-9a-f-]{36}$/);
  assert.deepEqual(rest, {
    'service.name': 'nomyo-router',
    'service.version': '1.2.3',
    'host.name': 'box',
    'telemetry.sdk.name': 'nomyo-router',
    'telemetry.sdk.language': 'nodejs',
    'telemetry.sdk.version': '1.2.3',
  });
  assert.deepEqual(scopeSpans[0].scope, { name: 'nomyo-router', version: '1.2.3' });
});

test('a trace of the client goes on: through the router, to the endpoint', async () => {
  await using receiver = await startReceiver();
  const otlp = exportTo(receiver.url, ONLY_TRACES);
  const record = new Asked(`00-${TRACE}-${SPAN}-01`);
  otlp.begin(record);
  const sent = record.sentTo(otlp, gpuA, 5);
  otlp.end(record.answered());
  await otlp.close();
  const [server, client] = spansIn(receiver);
  assert.deepEqual([server.traceId, server.parentSpanId, server.flags], [TRACE, SPAN, 0x301]);
  assert.equal(sent, `00-${TRACE}-${client.spanId}-01`);
});

test('a trace that the client does not sample is not exported, but goes on', async () => {
  await using receiver = await startReceiver();
  const otlp = exportTo(receiver.url, ONLY_TRACES);
  const record = new Asked(`00-${TRACE}-${SPAN}-00`);
  otlp.begin(record);
  const sent = record.sentTo(otlp, gpuA, 5) ?? '';
  otlp.end(record.answered());
  await otlp.close();
  assert.match(sent, new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
  assert.ok(!sent.includes(SPAN));
  assert.equal(receiver.requests.length, 0);
});

test('a trace that is none is not gone on with', async () => {
  await using receiver = await startReceiver();
  const otlp = exportTo(receiver.url, ONLY_TRACES);
  askWell(otlp, new Asked(`00-${TRACE}-${'0'.repeat(16)}-01`));
  await otlp.close();
  const [server] = spansIn(receiver);
  assert.notEqual(server.traceId, TRACE);
  assert.equal(server.parentSpanId, undefined);
});

test('every try has a span of its own, with the endpoint it went to', async () => {
  await using receiver = await startReceiver();
  const otlp = exportTo(receiver.url, ONLY_TRACES);
  const record = new Asked();
  otlp.begin(record);
  const first = record.sentTo(otlp, gpuA, 10);
  record.tried({ endpoint: gpuA, kind: 'broken', message: 'hung up' });
  const second = record.sentTo(otlp, gpuB, 30, 'llama');
  const third = record.sentTo(otlp, gpuB, 40, 'llama');
  otlp.end(record.answered());
  await otlp.close();
  const [server, a, b, again] = spansIn(receiver);
  assert.deepEqual(
    [first, second, third],
    [a, b, again].map(({ spanId }) => `00-${server.traceId}-${spanId}-01`),
  );
  assert.equal(new Set([server, a, b, again].map(({ spanId }) => spanId)).size, 4);
  assert.deepEqual([a.status, a.attributes['error.type']], [{ code: 2 }, 'broken']);
  assert.equal(a.endTimeUnixNano, b.startTimeUnixNano);
  assert.equal(a.attributes['gen_ai.usage.output_tokens'], undefined);
  assert.equal(b.status, undefined);
  assert.equal(b.attributes['gen_ai.usage.output_tokens'], undefined);
  assert.equal(again.attributes['gen_ai.usage.output_tokens'], 4n);
  assert.deepEqual(
    [a, b, again].map(({ attributes }) => attributes['nomyo.retries']),
    [0n, 1n, 1n],
  );
  const { 'server.address': address, 'server.port': port, 'gen_ai.provider.name': provider } = again.attributes;
  assert.deepEqual([address, port, provider], ['gpu-b', 443n, 'llama_cpp']);
  assert.equal(server.attributes['nomyo.retries'], 1n);
  assert.equal(server.status, undefined);
});

test('only the last of the requests to an endpoint is the one that failed', async () => {
  await using receiver = await startReceiver();
  const otlp = exportTo(receiver.url, ONLY_TRACES);
  const record = new Asked();
  otlp.begin(record);
  record.sentTo(otlp, gpuA, 1);
  record.sentTo(otlp, gpuA, 2);
  record.tried({ endpoint: gpuA, kind: 'broken', message: 'hung up' });
  record.error = { code: 'upstream_unreachable', message: 'hung up' };
  record.at(3).end('upstream_error', 502);
  otlp.end(record);
  await otlp.close();
  const [, first, second] = spansIn(receiver);
  assert.equal(first.status, undefined);
  assert.deepEqual([second.status, second.attributes['error.type']], [{ code: 2 }, 'broken']);
  assert.ok(!('gen_ai.request.stream' in second.attributes), 'no answer came from it');
});

for (const { outcome, status, code, server, client } of [
  { outcome: 'upstream_error', status: 502, code: 'upstream_unreachable', server: true, client: true },
  { outcome: 'upstream_error', status: 200, code: 'upstream_lost', server: true, client: true },
  { outcome: 'router_error', status: 500, code: undefined, server: true, client: true },
  { outcome: 'rejected', status: 503, code: 'router_busy', server: true, client: true },
  { outcome: 'client_error', status: 400, code: 'refused', server: false, client: true },
  { outcome: 'cancelled', status: 499, code: undefined, server: false, client: false },
] as const)
  test(`${outcome} with ${status}: ${server ? 'an error' : 'no error'} of the router's span`, async () => {
    await using receiver = await startReceiver();
    const otlp = exportTo(receiver.url, ONLY_TRACES);
    const record = new Asked();
    otlp.begin(record);
    record.sentTo(otlp, gpuA, 10);
    if (outcome !== 'cancelled') record.error = { code, message: 'SECRET words of a prompt' };
    record.at(20).end(outcome, status);
    otlp.end(record);
    await otlp.close();
    const spans = spansIn(receiver);
    const type = code ?? String(status);
    assert.deepEqual(
      spans.map((span) => span.status?.code === 2),
      [server, client],
    );
    assert.deepEqual(
      spans.map(({ attributes }) => attributes['error.type']),
      [server ? type : undefined, client ? type : undefined],
    );
    assert.equal(spans[0].attributes['nomyo.outcome'], outcome);
    assert.ok(!receiver.requests[0]?.body.includes('SECRET'), 'what was asked and answered stays here');
  });

test('what asks no model is a SERVER span alone, and the endpoint is told of that', async () => {
  await using receiver = await startReceiver();
  const otlp = exportTo(receiver.url, ONLY_TRACES);
  const record = new Asked(undefined, '/api/tags', 'GET');
  record.model = undefined;
  otlp.begin(record);
  const sent = record.sentTo(otlp, gpuA, 0);
  record.end('ok', 200);
  otlp.end(record);
  await otlp.close();
  const [server, ...others] = spansIn(receiver);
  assert.equal(others.length, 0);
  assert.equal(server.name, 'GET /api/tags');
  assert.equal(sent, `00-${server.traceId}-${server.spanId}-01`);
});

test('a request ends once, and one that was never begun does not end', async () => {
  await using receiver = await startReceiver();
  const otlp = exportTo(receiver.url, ONLY_TRACES);
  otlp.end(askWell(otlp));
  otlp.end(new Asked().answered());
  await otlp.close();
  assert.equal(spansIn(receiver).length, 2);
});

test('tokens that the router made up are not told as counted; those it saw are', async () => {
  await using receiver = await startReceiver();
  const otlp = exportTo(receiver.url, ONLY_TRACES);
  const record = new Asked();
  otlp.begin(record);
  record.sentTo(otlp, gpuA, 1);
  record.addTokens({ promptTokens: 7, completionTokens: 3, promptEstimated: true, completionEstimated: true });
  record.end('cancelled', 499);
  otlp.end(record);
  await otlp.close();
  const { attributes } = spansIn(receiver)[1];
  assert.equal(attributes['gen_ai.usage.input_tokens'], undefined);
  assert.equal(attributes['gen_ai.usage.output_tokens'], 3n);
});

test('times are exact to a microsecond', async () => {
  await using receiver = await startReceiver();
  const otlp = exportTo(receiver.url, ONLY_TRACES);
  const record = new Asked();
  otlp.begin(record);
  record.sentTo(otlp, gpuA, 10.0625);
  record.at(11.1).end('ok', 200);
  otlp.end(record);
  await otlp.close();
  const { startTimeUnixNano, endTimeUnixNano } = spansIn(receiver)[1];
  assert.deepEqual([startTimeUnixNano, endTimeUnixNano], ['1800000000010063000', '1800000000011100000']);
});

test('a long name is cut, and half a character mended', async () => {
  await using receiver = await startReceiver();
  const otlp = exportTo(receiver.url, ONLY_TRACES);
  const record = new Asked();
  record.model = `\ud800${'m'.repeat(100_000)}`;
  askWell(otlp, record);
  await otlp.close();
  const { attributes } = spansIn(receiver)[0];
  assert.equal(attributes['gen_ai.request.model'], `\ufffd${'m'.repeat(511)}`);
});

test('a series of many requests has no more than 64 spans', async () => {
  await using receiver = await startReceiver();
  const otlp = exportTo(receiver.url, ONLY_TRACES);
  const record = new Asked();
  otlp.begin(record);
  const sent = Array.from({ length: 70 }, (_, i) => record.sentTo(otlp, gpuA, i));
  otlp.end(record.answered());
  await otlp.close();
  const spans = spansIn(receiver);
  assert.equal(spans.length, 65);
  assert.equal(sent.at(-1), `00-${spans[0].traceId}-${spans[0].spanId}-01`);
});

test('every operation that asks a model has a name, and every endpoint an address', () => {
  const all = [chat, generate, embed, embeddings, systemOne, messages, countTokens, transcriptions, translations];
  for (const { path } of [...all, completions, openaiEmbeddings, chatCompletions, responses])
    assert.notEqual(operationOf(path), 'other', path);
  assert.equal(operationOf('/what/comes'), 'other');
  assert.equal(operationOf('constructor'), 'other');
  assert.deepEqual(providerOf(endpoint('v6', { base: 'http://[::1]:8000/x', kind: 'vllm' })), {
    name: 'vllm',
    address: '::1',
    port: 8000,
  });
  assert.deepEqual(providerOf(endpoint('bad', { base: 'nothing' })), {
    name: 'ollama',
    address: undefined,
    port: undefined,
  });
});
