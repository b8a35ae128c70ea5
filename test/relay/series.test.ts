import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import OpenAI from 'openai';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import type { SimulatedEndpoint } from '../../src/simulator/simulation.ts';
import { routerBefore } from '../support/router.ts';
import { jsonOf, textOf } from '../support/wire.ts';

const PROMPTS = ['Tell me 3 tokens', 'Tell me 5 tokens', 'Tell me 4 tokens'];
const BODY = { model: 'm', prompt: PROMPTS };

for (const [title, lacks] of [
  ['by its own route', []],
  ['that lacks the route', ['/v1/completions']],
] as const) {
  describe(`4.7 several prompts of one completion, asked of an Ollama ${title}`, () => {
    const start = () => startSimulatedEndpoint({ kind: 'ollama', models: ['m'], lacks });

    test('are a request each, their choices in the order of the prompts, their usage summed', async () => {
      await using endpoint = await start();
      await using router = await routerBefore([endpoint]);
      const answer = jsonOf(await router.ask('/v1/completions', { body: BODY }));
      assert.deepEqual(indexes(answer.choices), [0, 1, 2]);
      assert.deepEqual(said(answer.choices), await alone(endpoint));
      assert.equal(answer.usage.completion_tokens, 12);
      assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + 12);
      const { token_usage_counts: spent } = jsonOf(await router.ask('/api/usage'));
      assert.deepEqual(spent, { [endpoint.url]: { 'm:latest': answer.usage.total_tokens } });
    });

    test('come as one stream to the official client, with usage only where it asked for that', async () => {
      await using endpoint = await start();
      await using router = await routerBefore([endpoint]);
      const client = new OpenAI({ baseURL: `${router.url}/v1`, apiKey: 'x', maxRetries: 0 });
      const texts = ['', '', ''];
      const reasons: (string | null)[] = [];
      const ids = new Set<string>();
      let usage: number | undefined;
      const wanted = { ...BODY, stream: true, stream_options: { include_usage: true } } as const;
      for await (const chunk of await client.completions.create(wanted)) {
        ids.add(chunk.id);
        usage = chunk.usage?.completion_tokens ?? usage;
        for (const { index, text, finish_reason } of chunk.choices) {
          texts[index] += text;
          if (finish_reason) reasons[index] = finish_reason;
        }
      }
      assert.deepEqual(texts, await alone(endpoint));
      assert.deepEqual(reasons, ['stop', 'stop', 'stop']);
      assert.deepEqual([usage, ids.size], [12, 1]);
      const plain = textOf(await router.ask('/v1/completions', { body: { ...BODY, stream: true } }));
      assert.doesNotMatch(plain, /"usage"|"choices":\[\]/);
      assert.equal(plain.match(/\[DONE\]/g)?.length, 1);
    });
  });
}

test('4.7 a stream of several prompts that breaks off midway ends with an error, and no prompt follows', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  await using router = await routerBefore([endpoint]);
  endpoint.faults.add({ on: { path: '/v1/completions' }, skip: 1, cutAtByte: 300 });
  const text = textOf(await router.ask('/v1/completions', { body: { ...BODY, stream: true } }));
  assert.match(text, /"error":\{"message":"[^"]+"[^\n]*\n\n$/);
  assert.doesNotMatch(text, /\[DONE\]/);
  assert.equal(endpoint.requests.filter(({ path }) => path === '/v1/completions').length, 2);
  await router.idle();
});

test('4.7 a prompt that is refused, as the second one, is an error too', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  await using router = await routerBefore([endpoint]);
  endpoint.faults.add({ on: { path: '/v1/completions' }, skip: 1, status: 400, body: { error: { message: 'no' } } });
  const whole = await router.ask('/v1/completions', { body: BODY });
  assert.deepEqual([whole.status, jsonOf(whole).error.message], [400, 'no']);
});

interface Choice {
  readonly index: number;
  readonly text: string;
}

function indexes(choices: readonly Choice[]): number[] {
  return choices.map(({ index }) => index);
}

function said(choices: readonly Choice[]): string[] {
  return choices.map(({ text }) => text);
}

/** What each prompt is answered with by itself. */
async function alone({ url }: SimulatedEndpoint): Promise<string[]> {
  const texts: string[] = [];
  for (const prompt of PROMPTS) {
    const body = JSON.stringify({ model: 'm', prompt, stream: false });
    const answer = (await (await fetch(`${url}/api/generate`, { method: 'POST', body })).json()) as {
      response: string;
    };
    texts.push(answer.response);
  }
  return texts;
}
