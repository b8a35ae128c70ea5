import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EndpointKind } from '../../src/domain/endpoint.ts';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import type { FaultRule } from '../../src/simulator/simulation.ts';
import { onlyAsked } from '../support/records.ts';
import { routerBefore } from '../support/router.ts';
import * as streams from '../support/streams.ts';
import { ndjson, sse } from '../support/streams.ts';
import { headerIn, jsonOf, textOf } from '../support/wire.ts';

const CHAT = '/v1/chat/completions';
const MESSAGES = `"messages":[{"role":"user","content":"\\u0068i \\ud83d\\ude00 \u00e9 \\/"}]`;
const ODD = `${MESSAGES},\r\n\t"seed" : 9007199254740993, "temperature":1.0,"top_p":1e5, "x_unknown":{"b":-0,"a":[1.00, null]} ,"dup":1,"dup":2`;

interface Lane {
  readonly kind: EndpointKind;
  readonly path: string;
  readonly says: Pick<FaultRule, 'status' | 'body' | 'headers'>;
}

/** Sends a body through the router: what the endpoint read, and what the client got. */
async function through({ kind, path, says }: Lane, body: string, model: object | string = 'm') {
  const description = typeof model === 'string' ? model : { name: 'm', ...model };
  await using endpoint = await startSimulatedEndpoint({ kind, models: [description] });
  await using router = await routerBefore([endpoint]);
  endpoint.faults.add({ ...says, on: { method: 'POST' } });
  const answer = await router.ask(path, { body });
  const usage = jsonOf(await router.ask('/api/usage')).token_usage_counts;
  return { read: onlyAsked(endpoint).body.toString('utf8'), answer, tokens: usage[endpoint.url] ?? {} };
}

const ollamaStream: Lane = { kind: 'ollama', path: '/api/chat', says: ndjson() };
const ollamaWhole: Lane = { ...ollamaStream, says: streams.json(streams.WHOLE_CHAT) };
const llamaStream: Lane = { kind: 'llama-server', path: CHAT, says: sse(streams.SSE_WITH_TIMINGS) };

describe('what an endpoint reads', () => {
  const same: readonly [string, Lane, string][] = [
    ['a chat', ollamaStream, `{ "model":"m",${ODD},"stream":false,"stream":true} \n`],
    ['a chat with bytes behind it', ollamaStream, `{"model" : "\\u006d", ${ODD}}{"model":"other"} trailing`],
    ['a chat whose keys are capitals', ollamaWhole, `{"MODEL":"m",${MESSAGES},"Stream":false}`],
    [
      'a prompt',
      { ...ollamaWhole, path: '/api/generate' },
      `{"prompt":"\\u003c","model":"m","context":[1,2e0],"stream":false}`,
    ],
    [
      'a chat completion',
      { kind: 'ollama', path: CHAT, says: streams.json(streams.WHOLE_COMPLETION) },
      `{"model":"m",${ODD}}`,
    ],
    [
      'a completion of an OpenAI service',
      { kind: 'openai', path: CHAT, says: streams.json(streams.WHOLE_COMPLETION) },
      `{"model":"m",${ODD},"max_completion_tokens":5}`,
    ],
    ['a stream of a llama-server', llamaStream, `{"stream":true,"model":"m",${ODD}}`],
    [
      'a stream whose client asks for usage',
      { kind: 'vllm', path: CHAT, says: sse(streams.SSE_WITH_USAGE) },
      `{"model":"m",${ODD},"stream":true,"stream_options":{"x":1,"include_usage":true}}`,
    ],
  ];
  for (const [name, lane, body] of same) {
    test(`${name} is the client's own bytes on ${lane.kind}`, async () => {
      const { read, answer } = await through(lane, body);
      assert.equal(answer.status, 200, textOf(answer));
      assert.equal(read, body);
    });
  }

  const spliced: readonly [string, Lane, string, string, object?][] = [
    [
      'usage is asked for',
      { kind: 'ollama', path: CHAT, says: sse() },
      `{"model":"m",${ODD} ,"stream":true }`,
      `{"model":"m",${ODD} ,"stream":true,"stream_options":{"include_usage":true} }`,
    ],
    [
      'usage is asked for among other options',
      { kind: 'vllm', path: CHAT, says: sse() },
      `{"model":"m","stream_options":{"a":1.0},${ODD},"stream":true}`,
      `{"model":"m","stream_options":{"a":1.0,"include_usage":true},${ODD},"stream":true}`,
    ],
    [
      'usage is asked for where the client wanted none',
      { kind: 'openai', path: CHAT, says: sse() },
      `{"model":"m","stream_options":{"include_usage": false},${ODD},"stream":true}`,
      `{"model":"m","stream_options":{"include_usage": true},${ODD},"stream":true}`,
    ],
    [
      'the limit has the name that Ollama knows',
      { kind: 'ollama', path: CHAT, says: streams.json(streams.WHOLE_COMPLETION) },
      `{"model":"m","max_completion_tokens":1e2,${ODD}}`,
      `{"model":"m","max_completion_tokens":1e2,${ODD},"max_tokens":1e2}`,
    ],
    [
      "the router's own field is gone",
      ollamaStream,
      `{"nomyo":{"a":[1]}, "model":"m",${ODD},"nomyo":2}`,
      `{"model":"m",${ODD}}`,
    ],
    [
      "the router's own field is gone from a completion",
      llamaStream,
      `{"model":"m", "nomyo":{"a":[1]},${ODD},"stream":true}`,
      `{"model":"m",${ODD},"stream":true}`,
    ],
    ['the suffix :local is gone', ollamaStream, `{"model" : "m:local",${ODD}}`, `{"model" : "m",${ODD}}`],
    [
      'a tag that the endpoint does not know is gone',
      { kind: 'openai', path: CHAT, says: streams.json(streams.WHOLE_COMPLETION) },
      `{"model":"m:latest",${ODD}}`,
      `{"model":"m",${ODD}}`,
    ],
  ];
  for (const [name, lane, body, expected] of spliced) {
    test(`${name}, and nothing else changes`, async () => {
      assert.equal((await through(lane, body)).read, expected);
    });
  }

  test("an alias is the endpoint's own name too", async () => {
    const body = `{"model":"nick",${ODD},"stream":true}`;
    assert.equal((await through(llamaStream, body, { aliases: ['nick'] })).read, body);
  });
});

describe('what a client gets', () => {
  const cases: readonly [string, Lane, string, string][] = [
    ['a stream of Ollama', ollamaStream, `{"model":"m",${MESSAGES}}`, streams.NDJSON],
    ['a whole answer of Ollama', ollamaWhole, `{"model":"m",${MESSAGES},"stream":false}`, streams.WHOLE_CHAT],
    [
      'a whole completion',
      { kind: 'vllm', path: CHAT, says: streams.json(streams.WHOLE_COMPLETION) },
      `{"model":"m",${MESSAGES}}`,
      streams.WHOLE_COMPLETION,
    ],
    [
      'a stream without the usage that only the router wanted',
      { kind: 'openai', path: CHAT, says: sse(streams.SSE_WITH_USAGE) },
      `{"model":"m",${MESSAGES},"stream":true}`,
      streams.SSE,
    ],
    [
      'a stream with the usage that the client wanted',
      { kind: 'openai', path: CHAT, says: sse(streams.SSE_WITH_USAGE) },
      `{"model":"m",${MESSAGES},"stream":true,"stream_options":{"include_usage":true}}`,
      streams.SSE_WITH_USAGE,
    ],
    [
      'a stream with the timings of llama-server',
      llamaStream,
      `{"model":"m",${MESSAGES},"stream":true}`,
      streams.SSE_WITH_TIMINGS,
    ],
  ];
  for (const [name, lane, body, expected] of cases) {
    test(`${name} is the endpoint's own bytes, and its tokens are counted`, async () => {
      const { answer, tokens } = await through(lane, body);
      assert.equal(textOf(answer), expected);
      assert.equal(answer.complete, true);
      assert.equal(headerIn(answer, 'content-type'), lane.says.headers?.['Content-Type']);
      assert.deepEqual(Object.values(tokens), [9]);
    });
  }

  test('usage of a vLLM that counts in every record is hidden from who did not ask', async () => {
    const counting = streams.SSE.replaceAll('"finish_reason":null}]', '"finish_reason":null}],"usage":null');
    const { answer } = await through(
      { kind: 'vllm', path: CHAT, says: sse(counting) },
      `{"model":"m",${MESSAGES},"stream":true}`,
    );
    assert.equal(textOf(answer), streams.SSE);
  });

  test('a model that the client spells differently keeps that spelling in the answer', async () => {
    const { answer } = await through(ollamaStream, `{"model":"m:local",${MESSAGES}}`);
    assert.equal(textOf(answer), streams.NDJSON.replaceAll('"model":"m"', '"model":"m:local"'));
    const other = await through(
      { kind: 'openai', path: CHAT, says: sse() },
      `{"model":"m:latest",${MESSAGES},"stream":true}`,
    );
    assert.equal(textOf(other.answer), streams.SSE.replaceAll('"model":"m"', '"model":"m:latest"'));
  });

  for (const kind of ['ollama', 'vllm', 'openai', 'llama-server'] as const) {
    test(`a stream through the router is what ${kind} says directly`, async () => {
      await using endpoint = await startSimulatedEndpoint({ kind, models: ['m'] });
      await using router = await routerBefore([endpoint]);
      const body = { model: 'm', stream: true, messages: [{ role: 'user', content: 'say 6 tokens' }] };
      const [routed, direct] = [await router.ask(CHAT, { body }), await askDirectly(endpoint.port, CHAT, body)];
      assert.equal(timeless(textOf(routed)), timeless(direct));
      assert.equal(headerIn(routed, 'cache-control'), 'no-cache, no-transform');
      assert.equal(headerIn(routed, 'x-accel-buffering'), 'no');
    });
  }
});

async function askDirectly(port: number, path: string, body: object): Promise<string> {
  return await (await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', body: JSON.stringify(body) })).text();
}

/** Without what differs from answer to answer: ids and times. */
function timeless(text: string): string {
  return text
    .replace(/"id":"[^"]*"/g, '"id":"*"')
    .replace(/"(created|prompt_ms|predicted_ms|prompt_n|cache_n|\w+_per_\w+)":[\d.e+-]+/g, '"$1":0');
}
