import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { onlyAsked } from '../support/records.ts';
import { routerBefore } from '../support/router.ts';
import { headerIn, type Json, textOf } from '../support/wire.ts';

type Kind = 'llama-server' | 'vllm' | 'openai';

const base64 = (bytes: string) => Buffer.from(bytes, 'latin1').toString('base64');
const MODEL = { name: 'm', capabilities: ['completion', 'tools', 'vision', 'thinking', 'audio'] } as const;
const TOOL = {
  type: 'function',
  function: { name: 'f', description: 'd', parameters: { type: 'object', properties: { b: {}, a: {} } } },
};
const USER = { role: 'user', content: 'x' };

/** What reaches an endpoint of this kind of `/api/chat`, and what the client is told was left out. */
async function sent(kind: Kind, fields: object): Promise<{ body: Json; dropped: string[] }> {
  await using endpoint = await startSimulatedEndpoint({ kind, models: [MODEL] });
  await using router = await routerBefore([endpoint]);
  const answer = await router.ask('/api/chat', { body: { model: 'm', stream: false, messages: [USER], ...fields } });
  assert.equal(answer.status, 200, textOf(answer));
  const { model, stream, messages, ...body } = JSON.parse(onlyAsked(endpoint).body.toString());
  assert.deepEqual([model, stream], ['m', false]);
  const dropped = headerIn(answer, 'x-nomyo-dropped')?.split(', ') ?? [];
  return { body: 'messages' in fields ? messages : body, dropped: dropped.toSorted() };
}

const OPTIONS = {
  ...{ num_predict: 3, temperature: 0.5, top_p: 0.5, seed: 7, presence_penalty: 0.1, frequency_penalty: 0.2 },
  ...{ stop: ['1', '2', '3', '4'], top_k: 4, min_p: 0.1, typical_p: 0.9, repeat_penalty: 1.1, repeat_last_n: 8 },
  ...{ num_keep: 2, mirostat: 1, mirostat_tau: 5, mirostat_eta: 0.1, num_ctx: 4096, num_gpu: 1, tfs_z: 1 },
};
const ALL = {
  max_tokens: 3,
  ...{
    temperature: 0.5,
    top_p: 0.5,
    seed: 7,
    presence_penalty: 0.1,
    frequency_penalty: 0.2,
    stop: ['1', '2', '3', '4'],
  },
};
const options = (...names: readonly string[]) => names.map((name) => `options.${name}`).toSorted();
const NOBODY = ['num_ctx', 'num_gpu', 'tfs_z'];
const LLAMA_ONLY = ['typical_p', 'repeat_last_n', 'num_keep', 'mirostat', 'mirostat_tau', 'mirostat_eta'];
const SAMPLING: Readonly<Record<Kind, readonly [body: object, dropped: readonly string[]]>> = {
  'llama-server': [
    {
      ...ALL,
      ...{ top_k: 4, min_p: 0.1, typical_p: 0.9, repeat_penalty: 1.1, repeat_last_n: 8, n_keep: 2 },
      ...{ mirostat: 1, mirostat_tau: 5, mirostat_eta: 0.1 },
    },
    options(...NOBODY),
  ],
  vllm: [{ ...ALL, top_k: 4, min_p: 0.1, repetition_penalty: 1.1 }, options(...NOBODY, ...LLAMA_ONLY)],
  openai: [ALL, options(...NOBODY, ...LLAMA_ONLY, 'top_k', 'min_p', 'repeat_penalty')],
};

const kwargs = (more: object) => ({ chat_template_kwargs: more });
const level = (effort: string) => ({
  ...kwargs({ enable_thinking: true, reasoning_effort: effort }),
  reasoning_effort: effort,
});
const THINK: readonly (readonly [think: boolean | string, Readonly<Record<Kind, object | undefined>>])[] = [
  [
    true,
    { 'llama-server': kwargs({ enable_thinking: true }), vllm: kwargs({ enable_thinking: true }), openai: undefined },
  ],
  [
    false,
    {
      'llama-server': { ...kwargs({ enable_thinking: false }), reasoning_effort: 'none' },
      vllm: kwargs({ enable_thinking: false }),
      openai: undefined,
    },
  ],
  ['low', { 'llama-server': level('low'), vllm: level('low'), openai: { reasoning_effort: 'low' } }],
  ['max', { 'llama-server': level('max'), vllm: level('max'), openai: { reasoning_effort: 'high' } }],
];

for (const kind of ['llama-server', 'vllm', 'openai'] as const) {
  describe(`a chat of Ollama’s on its way to ${kind}`, () => {
    test('4.3 every option has its name there, or the client is told', async () => {
      const [body, dropped] = SAMPLING[kind];
      assert.deepEqual(await sent(kind, { options: OPTIONS }), { body, dropped });
    });

    test('4.3 what means "any", "all" or "no limit" is left out', async () => {
      const { body } = await sent(kind, { options: { num_predict: -1, seed: -1, repeat_last_n: -1, stop: [] } });
      assert.deepEqual(body, {});
      assert.deepEqual((await sent(kind, { options: null })).body, {});
    });

    for (const [think, bodies] of THINK) {
      test(`4.2 think: ${JSON.stringify(think)}`, async () => {
        const told = bodies[kind] === undefined ? ['think'] : [];
        assert.deepEqual(await sent(kind, { think }), { body: bodies[kind] ?? {}, dropped: told });
      });
    }

    test('4.2 tools, formats and log probabilities go as they are, the rest is named', async () => {
      const rest = { keep_alive: '5m', shift: false, unheard_of: 1 };
      const { body, dropped } = await sent(kind, {
        tools: [TOOL],
        logprobs: true,
        top_logprobs: 0,
        truncate: true,
        ...rest,
      });
      assert.deepEqual(body, { tools: [TOOL], logprobs: true, top_logprobs: 1 });
      assert.deepEqual(dropped, Object.keys(rest).toSorted());
      const schema = { type: 'object', properties: { b: { type: 'string' }, a: { type: 'string' } } };
      const format = { type: 'json_schema', json_schema: { name: 'schema', schema } };
      assert.deepEqual((await sent(kind, { format: schema })).body, { response_format: format });
      assert.deepEqual((await sent(kind, { format: 'json' })).body, { response_format: { type: 'json_object' } });
    });

    test('4.2 two calls of one tool keep two ids, whether results name them or not', async () => {
      const calls = [
        { function: { index: 0, name: 'f', arguments: { b: 1, a: 2 } } },
        { id: 'named', function: { name: 'f', arguments: '{"z": 1}' } },
        { function: { name: 'g', arguments: {} } },
      ];
      const turn = { role: 'assistant', content: '', thinking: 'hm', tool_calls: calls };
      for (const [results, order] of [
        [
          [{ tool_call_id: 'named' }, { tool_name: 'g' }, { tool_name: 'f' }],
          [1, 2, 0],
        ],
        [
          [{ tool_name: 'f' }, { tool_name: 'g' }, { tool_name: 'f' }],
          [0, 2, 1],
        ],
        [
          [{}, {}, {}],
          [0, 1, 2],
        ],
      ] as const) {
        const tools = results.map((result) => ({ role: 'tool', content: 'r', ...result }));
        const { body, dropped } = await sent(kind, { messages: [USER, turn, ...tools] });
        const [, said, ...answered] = body;
        const made: Json[] = said.tool_calls;
        assert.deepEqual(
          made.map((call) => call.function.arguments),
          ['{"b":1,"a":2}', '{"z": 1}', '{}'],
        );
        assert.match(made[0].id, /^call_[A-Za-z0-9]{24}$/);
        assert.deepEqual([made[1].id, new Set(made.map(({ id }) => id)).size], ['named', 3]);
        assert.deepEqual(
          answered.map((result: Json) => [result.tool_call_id, result.name]),
          order.map((place) => [made[place].id, kind === 'openai' ? undefined : made[place].function.name]),
        );
        assert.equal(said.content, kind === 'openai' ? null : '');
        assert.equal(said.reasoning_content, kind === 'openai' ? undefined : 'hm');
        assert.equal(said.reasoning, kind === 'vllm' ? 'hm' : undefined);
        assert.deepEqual(dropped, kind === 'openai' ? ['messages.thinking'] : []);
      }
    });

    test('4.2 the text stands before the images, whose types their first bytes tell', async () => {
      const images = [
        ['image/png', base64('\x89PNG\r\n\x1a\n')],
        ['image/jpeg', base64('\xff\xd8\xff\xe0JFIF')],
        ['image/gif', base64('GIF89a\x01\x00')],
        ['image/webp', base64('RIFF\x24\0\0\0WEBPVP8 ')],
        ['image/jpeg', base64('BM something else')],
      ] as const;
      const user = { ...USER, images: images.map(([, data]) => data) };
      const { body } = await sent(kind, { messages: [user, { role: 'user', images: user.images.slice(0, 1) }] });
      const urls = images.map(([type, data]) => ({
        type: 'image_url',
        image_url: { url: `data:${type};base64,${data}` },
      }));
      assert.deepEqual(body[0].content, [{ type: 'text', text: 'x' }, ...urls]);
      assert.deepEqual(body[1].content, urls.slice(0, 1));
    });
  });
}
