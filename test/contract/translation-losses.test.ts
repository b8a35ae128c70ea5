import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { asked, onlyAsked } from '../support/records.ts';
import { routerBefore } from '../support/router.ts';
import { sse } from '../support/streams.ts';
import { headerIn, jsonOf, textOf } from '../support/wire.ts';

const KINDS = ['llama-server', 'vllm', 'openai'] as const;
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB';
const MODEL = { name: 'm', capabilities: ['completion', 'tools', 'insert', 'vision'] } as const;

for (const kind of KINDS) {
  describe(`nothing is lost in silence on the way to ${kind}`, () => {
    for (const how of [{ raw: true }, { suffix: 'return x' }]) {
      test(`4.7 images that a completion has no place for are named: ${JSON.stringify(how)}`, async () => {
        await using endpoint = await startSimulatedEndpoint({ kind, models: [MODEL] });
        await using router = await routerBefore([endpoint]);
        const body = { model: 'm', prompt: 'look', images: [PNG], stream: false, ...how };
        const answer = await router.ask('/api/generate', { body });
        if (answer.status === 400) assert.match(jsonOf(answer).error, /images/);
        else assert.match(headerIn(answer, 'x-nomyo-dropped') ?? '', /images/);
      });
    }

    test('4.2 base64 in lines, which Ollama reads, becomes base64 that others read to its end', async () => {
      await using endpoint = await startSimulatedEndpoint({ kind, models: [MODEL] });
      await using router = await routerBefore([endpoint]);
      const images = [`${PNG.slice(0, 16)}\r\n${PNG.slice(16)}\n`];
      const answer = await router.ask('/api/chat', {
        body: { model: 'm', messages: [{ role: 'user', content: 'look', images }] },
      });
      assert.equal(answer.status, 200, textOf(answer));
      const sent = JSON.parse(onlyAsked(endpoint).body.toString());
      assert.equal(sent.messages[0].content[1].image_url.url, `data:image/png;base64,${PNG}`);
    });
  });
}

test('4.3 options named like what every object has are named, too', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'openai', models: ['m'] });
  await using router = await routerBefore([endpoint]);
  const body = '{"model":"m","messages":[{"role":"user","content":"x"}],"options":{"constructor":1,"toString":2}}';
  const answer = await router.ask('/api/chat', { body });
  assert.equal(headerIn(answer, 'x-nomyo-dropped'), 'options.constructor, options.toString');
});

test('4.8 an empty text is one text for an Ollama without /v1/embeddings, as for one that has it (2.4)', async () => {
  const models = [{ name: 'e', capabilities: ['embedding'] }] as const;
  for (const lacks of [[], ['/v1/embeddings']]) {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models, lacks });
    await using router = await routerBefore([endpoint]);
    const answer = await router.ask('/v1/embeddings', { body: { model: 'e', input: '' } });
    assert.equal(answer.status, 200, textOf(answer));
    assert.equal(jsonOf(answer).data.length, 1);
  }
});

/** The lines that an Ollama client reads of this stream of an endpoint. */
async function linesOf(stream: string): Promise<ReturnType<typeof jsonOf>[]> {
  await using endpoint = await startSimulatedEndpoint({ kind: 'openai', models: ['m'] });
  endpoint.faults.add({ on: { method: 'POST' }, ...sse(stream) });
  await using router = await routerBefore([endpoint]);
  const answer = await router.ask('/api/chat', { body: { model: 'm', messages: [{ role: 'user', content: 'x' }] } });
  const lines = textOf(answer).trim().split('\n');
  return lines.map((line) => JSON.parse(line));
}

const END = 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n';

test('4.4 step 1 a byte order mark before a stream hides nothing of it', async () => {
  const first = 'data: {"choices":[{"index":0,"delta":{"content":"first"}}]}\n\n';
  const [line] = await linesOf(`\ufeff${first}${END}`);
  assert.equal(line?.message.content, 'first');
});

test('4.4 step 5 a new id begins a new call, even where the endpoint counts every call as its first', async () => {
  const fragment = (id: string, name: string) =>
    `data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"${id}","type":"function","function":{"name":"${name}","arguments":"{}"}}]}}]}\n\n`;
  const [line] = await linesOf(fragment('call_a', 'f') + fragment('call_b', 'g') + END);
  const named = line?.message?.tool_calls?.map((call: { function: { name: string } }) => call.function.name);
  assert.deepEqual(named, ['f', 'g']);
});

describe('2.7 a response in a form of its own, asked of a llama-server that passes over the form', () => {
  const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
  const format = { type: 'json_schema', name: 'place', schema };

  test('goes by chat completions, which keep to it; any other by its own route', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'llama-server', models: ['m'] });
    await using router = await routerBefore([endpoint]);
    const ask = (more: object) => router.ask('/v1/responses', { body: { model: 'm', input: 'x', ...more } });
    const [message] = jsonOf(await ask({ text: { format } })).output.slice(-1);
    assert.equal(typeof JSON.parse(message.content[0].text).city, 'string');
    await ask({ text: { format: { type: 'text' } } });
    assert.deepEqual(
      asked(endpoint).map(({ path }) => path),
      ['/v1/chat/completions', '/v1/responses'],
    );
  });
});

test('2.7 a conversation with a plain text of the assistant reaches a llama-server, whose own route refuses it', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'llama-server', models: ['m'] });
  await using router = await routerBefore([endpoint]);
  const input = ['user', 'assistant', 'user'].map((role) => ({ role, content: 'x' }));
  const answer = await router.ask('/v1/responses', { body: { model: 'm', input } });
  assert.deepEqual([answer.status, jsonOf(answer).status], [200, 'completed']);
  assert.equal(onlyAsked(endpoint).path, '/v1/chat/completions');
});

describe('2.8 what the own routes of local servers pass over', () => {
  const messages = [{ role: 'user', content: 'x' }];
  const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };

  for (const kind of ['ollama', 'llama-server', 'vllm'] as const) {
    test(`a message in a form of its own goes another way to ${kind}`, async () => {
      await using endpoint = await startSimulatedEndpoint({ kind, models: ['m'] });
      await using router = await routerBefore([endpoint]);
      const output_config = { format: { type: 'json_schema', schema } };
      const body = { model: 'm', max_tokens: 50, messages, output_config };
      const { content } = jsonOf(await router.ask('/v1/messages', { body }));
      assert.equal(typeof JSON.parse(content[0].text).city, 'string');
    });

    test(`a thread, which ${kind} would lose, is refused`, async () => {
      await using endpoint = await startSimulatedEndpoint({ kind, models: ['m'] });
      await using router = await routerBefore([endpoint]);
      const body = { model: 'm', max_tokens: 50, messages, thread: { type: 'continue', previous_message_id: 'msg_1' } };
      const answer = await router.ask('/v1/messages', { body });
      assert.equal(answer.status, 400);
      assert.match(jsonOf(answer).error.message, /^thread is not supported/);
    });
  }
});
