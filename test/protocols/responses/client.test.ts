import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import OpenAI from 'openai';
import type { AnswerEvent } from '../../../src/domain/answer.ts';
import { ResponsesEncoder } from '../../../src/protocols/responses/answer-encoder.ts';
import { responses } from '../../../src/protocols/responses/operations.ts';
import { call, finish, say, think, usage } from './encoding.ts';

/** How an answer goes: its events, and after them its end or a failure. */
interface Script {
  readonly events: readonly AnswerEvent[];
  readonly failure?: string;
}

/** OpenAI's own client before a server that answers every request so. */
async function clientOf({ events, failure }: Script) {
  const server = createServer(async (request, reply) => {
    const reads: Buffer[] = [];
    for await (const read of request) reads.push(read);
    const encoder = new ResponsesEncoder(responses.decode(Buffer.concat(reads)));
    reply.setHeader('content-type', encoder.contentType);
    for (const event of events) reply.write(encoder.push([event]));
    reply.end(failure === undefined ? encoder.end() : encoder.fail(failure));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const client = new OpenAI({ baseURL: `http://127.0.0.1:${port}/v1`, apiKey: 'x', maxRetries: 0 });
  return {
    client,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const parameters = { type: 'object', properties: {} };
const tools = [
  { type: 'function' as const, name: 'weather', parameters, strict: true },
  { type: 'function' as const, name: 'time', parameters, strict: false },
];
const asked = { model: 'm', input: 'hello', tools };

/** Reasoning, text, and two calls whose fragments alternate. */
const ANSWER: readonly AnswerEvent[] = [
  ...[think('let me '), think('see'), say('Grüße '), say('😀')],
  ...[
    call(0, 'call_a', 'weather', ''),
    call(1, 'call_b', 'time', '{"z'),
    call(0, undefined, undefined, '{"city":"Köln"}'),
  ],
  ...[call(1, undefined, undefined, 'one":1.0}'), finish('tool-calls'), usage],
];

test('a client reads a whole response with calls', async () => {
  await using it = await clientOf({ events: ANSWER });
  const response = await it.client.responses.parse(asked);
  assert.deepEqual(
    [response.output_text, response.status, response.usage?.total_tokens],
    ['Grüße 😀', 'completed', 12],
  );
  const calls = response.output.filter((item) => item.type === 'function_call');
  assert.deepEqual(
    calls.map(({ call_id, name, arguments: json, parsed_arguments }) => [call_id, name, json, parsed_arguments]),
    [
      ['call_a', 'weather', '{"city":"Köln"}', { city: 'Köln' }],
      ['call_b', 'time', '{"zone":1.0}', null],
    ],
  );
});

test('a client puts a stream with calls together', async () => {
  await using it = await clientOf({ events: ANSWER });
  const stream = it.client.responses.stream(asked);
  const words: string[] = [];
  stream.on('response.output_text.delta', ({ delta }) => words.push(delta));
  const response = await stream.finalResponse();
  assert.deepEqual([words, response.output_text], [['Grüße ', '😀'], 'Grüße 😀']);
  assert.deepEqual(
    response.output.map((item) => item.type),
    ['reasoning', 'message', 'function_call', 'function_call'],
  );
  const [, , weather, time] = response.output;
  assert.ok(weather?.type === 'function_call' && time?.type === 'function_call');
  assert.deepEqual(
    [weather.arguments, weather.parsed_arguments, time.arguments],
    ['{"city":"Köln"}', { city: 'Köln' }, '{"zone":1.0}'],
  );
});

test('a client sees an answer that was cut as incomplete', async () => {
  await using it = await clientOf({ events: [say('a'), finish('length')] });
  const response = await it.client.responses.stream(asked).finalResponse();
  assert.deepEqual([response.status, response.incomplete_details], ['incomplete', { reason: 'max_output_tokens' }]);
});

test('a client raises at a stream that breaks', async () => {
  await using it = await clientOf({ events: [say('a')], failure: 'the endpoint is gone' });
  const stream = await it.client.responses.create({ ...asked, stream: true });
  const seen: string[] = [];
  await assert.rejects(
    async () => {
      for await (const event of stream) seen.push(event.type);
    },
    (error) =>
      error instanceof OpenAI.APIError && error.message === 'the endpoint is gone' && error.code === 'upstream_lost',
  );
  assert.equal(seen.at(-1), 'response.output_text.delta');
});
