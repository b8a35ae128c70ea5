import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ask, askAndLeave, type Json } from './ask.ts';
import type { Connect, Target } from './target.ts';

const json = 'application/json; charset=utf-8';
const user = [{ role: 'user', content: 'x' }];

/** What a llama-server with one model, one slot and a key answers, as measured on a build of August 2026. */
export function llamaServerSuite(who: string, connect: Connect): void {
  describe(`llama-server: ${who}`, { timeout: 60_000 }, () => {
    let target: Target;
    let url: string;
    before(async () => {
      target = await connect();
      url = target.url;
    });
    after(() => target[Symbol.asyncDispose]());

    const headers = () => (target.key === undefined ? {} : { Authorization: `Bearer ${target.key}` });
    const get = (path: string) => ask(url, path, { headers: headers() });
    const post = (path: string, body: string | object) => ask(url, path, { method: 'POST', body, headers: headers() });
    const chat = (fields: object) => post('/v1/chat/completions', { messages: user, ...fields });

    it('names itself, and says that it is well without a key', async () => {
      for (const path of ['/health', '/v1/health']) {
        const answer = await ask(url, path);
        assert.deepEqual([answer.status, answer.text, answer.headers['server']], [200, '{"status":"ok"}', 'llama.cpp']);
      }
      assert.equal((await ask(url, '/health', { method: 'HEAD' })).status, 200);
    });

    it('refuses everything else without its key, unknown paths too, and takes the key in two headers', async () => {
      for (const path of ['/v1/models', '/models', '/props', '/nope']) {
        const answer = await ask(url, path, { headers: { Authorization: 'Bearer wrong' } });
        const error = { code: 401, message: 'Invalid API Key', type: 'authentication_error' };
        assert.deepEqual([answer.status, answer.json()], [401, { error }], path);
      }
      const other = await ask(url, '/v1/models', { headers: { 'X-Api-Key': target.key ?? '' } });
      assert.equal(other.status, 200);
    });

    it('does not know other paths and methods, and closes the connection after an error', async () => {
      for (const [method, path] of [
        ['GET', '/nope'],
        ['GET', '/'],
        ['GET', '/api/tags'],
        ['GET', `/v1/models/${target.model}`],
        ['PUT', '/health'],
        ['POST', '/models/load'],
      ] as const) {
        const answer = await ask(url, path, {
          method,
          headers: headers(),
          ...(method === 'POST' ? { body: '{"model":"x"}' } : {}),
        });
        const error = { code: 404, message: 'File Not Found', type: 'not_found_error' };
        assert.deepEqual([answer.status, answer.json(), answer.headers['connection']], [404, { error }, 'close'], path);
      }
    });

    it('lists its model under two names of the list, with empty texts for size and digest', async () => {
      const before = Math.floor(Date.now() / 1000);
      const list = (await get('/v1/models')).json();
      assert.deepEqual(Object.keys(list), ['models', 'object', 'data']);
      assert.deepEqual([list.models[0].name, list.models[0].size, list.models[0].digest], [target.model, '', '']);
      const [item] = list.data;
      assert.deepEqual([item.id, item.owned_by, item.aliases], [target.model, 'llamacpp', [target.model]]);
      assert.ok(item.created >= before, 'created is the time of the request');
      assert.equal(item.status, undefined, 'no status: always loaded');
      assert.ok(item.meta.n_ctx > 0 && item.meta.n_params > 0 && item.meta.size > 0 && item.meta.n_embd > 0);
      assert.deepEqual((await get('/models')).json().data[0].id, target.model);
    });

    it('tells its slots and its context per slot', async () => {
      const props = (await get('/props')).json();
      assert.equal(props.total_slots, 1);
      assert.ok(props.default_generation_settings.n_ctx > 0);
      assert.equal(typeof props.default_generation_settings.params.temperature, 'number');
      assert.equal(props.modalities.vision, false);
      const slots = (await get('/slots')).json();
      assert.deepEqual(
        slots.map((slot: Json) => [slot.id, slot.is_processing]),
        [[0, false]],
      );
    });

    it('answers a chat whole, in its own name whatever model was asked for', async () => {
      const answer = await chat({ model: 'zzz', max_tokens: 3 });
      assert.deepEqual([answer.status, answer.headers['content-type']], [200, json]);
      const body = answer.json();
      assert.match(body.id, /^chatcmpl-[0-9A-Za-z]{32}$/);
      assert.deepEqual([body.object, body.model], ['chat.completion', target.model]);
      assert.deepEqual([body.choices[0].finish_reason, body.choices[0].message.role], ['length', 'assistant']);
      assert.equal(body.usage.completion_tokens, 3);
      const { cache_n, prompt_n, predicted_n } = body.timings;
      assert.deepEqual([cache_n + prompt_n, predicted_n], [body.usage.prompt_tokens, 3]);
      assert.equal(body.usage.prompt_tokens_details.cached_tokens, cache_n);
    });

    it('has all but the end of a repeated prompt in its cache', async () => {
      await chat({ max_tokens: 1 });
      const { timings } = (await chat({ max_tokens: 1 })).json();
      assert.ok(timings.cache_n > 0 && timings.prompt_n > 0);
    });

    it('streams a chat: a null content first, timings last, usage only when asked', async () => {
      const answer = await chat({ max_tokens: 2, stream: true });
      assert.deepEqual(
        [answer.headers['content-type'], answer.headers['x-accel-buffering']],
        ['text/event-stream', 'no'],
      );
      const records = answer.records();
      assert.equal(records.pop(), '[DONE]');
      const chunks: Json[] = records.map((record) => JSON.parse(record));
      assert.deepEqual(chunks[0].choices[0].delta, { role: 'assistant', content: null });
      const last = chunks.at(-1);
      assert.deepEqual(
        [last.choices[0].delta, last.choices[0].finish_reason, last.timings.predicted_n],
        [{}, 'length', 2],
      );
      assert.ok(chunks.slice(0, -1).every((chunk) => chunk.timings === undefined));
      assert.ok(chunks.every((chunk) => chunk.usage === undefined && chunk.choices.length === 1));
      const asked = (await chat({ max_tokens: 2, stream: true, stream_options: { include_usage: true } })).records();
      const usage = JSON.parse(asked.at(-2) ?? '');
      assert.deepEqual([usage.choices, usage.usage.completion_tokens, usage.timings.predicted_n], [[], 2, 2]);
      assert.equal(JSON.parse(asked.at(-3) ?? '').timings, undefined);
    });

    it('completes a raw prompt; the last record has usage that nobody asked for', async () => {
      const whole = (await post('/v1/completions', { prompt: 'x', max_tokens: 2 })).json();
      assert.deepEqual(
        [whole.object, typeof whole.choices[0].text, whole.choices[0].logprobs],
        ['text_completion', 'string', null],
      );
      const many = (await post('/v1/completions', { prompt: ['x', 'y'], max_tokens: 2 })).json();
      assert.deepEqual(
        many.choices.map((choice: Json) => choice.index),
        [0, 1],
      );
      const records = (await post('/v1/completions', { prompt: 'x', max_tokens: 2, stream: true })).records();
      assert.equal(records.pop(), '[DONE]');
      const last = JSON.parse(records.at(-1) ?? '');
      assert.deepEqual([last.choices[0].finish_reason, last.usage.completion_tokens], ['length', 2]);
    });

    it('gives at least one token', async () => {
      assert.equal((await chat({ max_tokens: 0 })).json().usage.completion_tokens, 1);
    });

    it('gives log probabilities in OpenAI form', async () => {
      const { logprobs } = (await chat({ max_tokens: 2, logprobs: true, top_logprobs: 1 })).json().choices[0];
      assert.equal(logprobs.content.length, 2);
      assert.equal(logprobs.content[0].top_logprobs.length, 1);
    });

    it('renders a prompt without running it', async () => {
      const { prompt } = (await post('/apply-template', { messages: user })).json();
      assert.ok(prompt.includes('x'));
    });

    describe('refuses', () => {
      const c = '/v1/chat/completions';
      const say = (fields: string) => `{"messages":[{"role":"user","content":"x"}],${fields}}`;
      const rows: readonly (readonly [path: string, body: string, status: number, message: string | RegExp])[] = [
        [
          c,
          '',
          500,
          /^\[json\.exception\.parse_error\.101\] parse error at line 1, column 1: attempting to parse an empty input/,
        ],
        [c, '{bad', 500, /^\[json\.exception\.parse_error\.101\]/],
        [c, '{}', 400, "'messages' is required"],
        [c, '[]', 400, "'messages' is required"],
        [c, '{"messages":"x"}', 400, "Expected 'messages' to be an array"],
        [c, '{"messages":[{"role":"user","content":5}]}', 400, "Expected 'content' to be a string or an array"],
        [c, '{"messages":[{"content":"x"}]}', 500, /Missing 'role' in message/],
        [c, '{"messages":[{"role":"user","content":[{"type":"foo"}]}]}', 400, 'unsupported content[].type'],
        [
          c,
          '{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,aGk="}}]}]}',
          500,
          /^image input is not supported - hint/,
        ],
        [
          c,
          '{"messages":[{"role":"assistant","content":"a"},{"role":"assistant","content":"b"}]}',
          400,
          'Cannot have 2 or more assistant messages at the end of the list.',
        ],
        [
          c,
          say('"n_predict":-2'),
          400,
          "Field 'n_predict': Value must be between -1 <= value <= 2147483647, but got -2",
        ],
        [
          c,
          say('"max_tokens":-5'),
          400,
          "Field 'max_tokens': Value must be between -1 <= value <= 2147483647, but got -5",
        ],
        [
          c,
          say('"repeat_last_n":-1'),
          400,
          "Field 'repeat_last_n': Value must be between 0 <= value <= 2147483647, but got -1",
        ],
        [c, say('"n":2'), 400, "Field 'n': Value must be between 1 <= value <= 1, but got 2"],
        [
          c,
          say('"max_tokens":"x"'),
          400,
          "Field 'max_tokens': [json.exception.type_error.302] type must be number, but is string",
        ],
        [
          c,
          say('"temperature":"x"'),
          400,
          "Field 'temperature': [json.exception.type_error.302] type must be number, but is string",
        ],
        [c, say('"top_logprobs":1'), 400, 'top_logprobs requires logprobs to be set to true'],
        ['/v1/completions', '{}', 400, "[json.exception.out_of_range.403] key 'prompt' not found"],
        [
          '/v1/embeddings',
          '{"input":"x"}',
          501,
          'This server does not support embeddings. Start it with `--embeddings`',
        ],
        [
          '/v1/rerank',
          '{"query":"x","documents":["a"]}',
          501,
          'This server does not support reranking. Start it with `--reranking`',
        ],
        ['/infill', '{"input_prefix":"x","input_suffix":"y"}', 501, /^Infill is not supported by this model/],
      ];
      const types: Readonly<Record<number, string>> = {
        400: 'invalid_request_error',
        500: 'server_error',
        501: 'not_supported_error',
      };
      for (const [path, body, status, message] of rows) {
        it(`${path} ${body === '' ? 'without a body' : body}`, async () => {
          const answer = await post(path, body);
          const { error } = answer.json();
          assert.deepEqual(
            [answer.status, answer.headers['content-type'], error.code, error.type],
            [status, json, status, types[status]],
          );
          if (typeof message === 'string') assert.equal(error.message, message);
          else assert.match(error.message, message);
        });
      }

      it('/metrics, which it was not started with', async () => {
        assert.equal((await get('/metrics')).status, 501);
      });

      it('a prompt that is longer than a slot', async () => {
        const answer = await chat({ messages: [{ role: 'user', content: 'abc '.repeat(1000) }] });
        const { error } = answer.json();
        assert.deepEqual([answer.status, error.type, error.n_ctx], [400, 'exceed_context_size_error', 512]);
        assert.equal(
          error.message,
          `request (${error.n_prompt_tokens} tokens) exceeds the available context size (512 tokens), try increasing it`,
        );
      });
    });

    describe('looks into its fields,', () => {
      const c = '/v1/chat/completions';
      const said = (...more: object[]) => ({ messages: [...user, ...more], max_tokens: 1 });
      const short = { input: 'x', max_output_tokens: 1 };
      const prompted = (fields: object) => ({ prompt: 'x', max_tokens: 1, ...fields });
      const heard = { type: 'input_audio', input_audio: { data: 'aGk=', format: 'wav' } };
      const untyped = { role: 'assistant', tool_calls: [{ function: { name: 'f', arguments: '{}' } }] };
      const tools = (tool: object) => ({ ...said(), tools: [tool] });
      const isText = (field: string, type: string) =>
        `Field '${field}': [json.exception.type_error.302] type must be ${type}, but is string`;
      const PROMPT =
        '"prompt" elements must be a string, a list of tokens, a JSON object containing a prompt string, or a list of mixed strings & tokens.';
      const rows: readonly (readonly [
        what: string,
        path: string,
        body: object,
        status: number,
        message?: string | RegExp,
      ])[] = [
        ['tools whose template has none', c, tools({ type: 'function', function: { name: 'f', parameters: {} } }), 200],
        ['tools of other types', c, tools({ type: 'zz' }), 500, /^Failed to parse tools: Unsupported tool type/],
        ['tools without a name', c, tools({ type: 'function', function: {} }), 500, /^Failed to parse tools: .*'name'/],
        ['tools that are no list', c, { ...said(), tools: 'x' }, 500, /^Failed to parse tools: Expected 'tools' to be/],
        ['a tool choice', c, { ...said(), tool_choice: 'zz' }, 400, 'Invalid tool_choice: zz'],
        ['a call without a type', c, said(untyped, ...user), 500, /^Failed to parse messages: Missing tool call type/],
        ['a content of null', c, said({ role: 'assistant', content: null }, ...user), 200],
        ['no content', c, said({ role: 'user' }), 400, "All non-assistant messages must contain 'content'"],
        [
          'a part without its text',
          c,
          said({ role: 'user', content: [{ type: 'text' }] }),
          500,
          /key 'text' not found$/,
        ],
        ['sound', c, said({ role: 'user', content: [heard] }), 500, /^audio input is not supported - hint/],
        ['a format', c, { ...said(), response_format: { type: 'zz' } }, 400, /^response_format type must be one of/],
        ['a grammar', c, { ...said(), grammar: 'zz' }, 400, 'Failed to initialize samplers: failed to parse grammar'],
        ['stream', c, { ...said(), stream: 'x' }, 400, isText('stream', 'boolean')],
        ['stream of a response', '/v1/responses', { ...short, stream: 'x' }, 400, isText('stream', 'boolean')],
        ['n', '/v1/responses', { ...short, n: 2 }, 400, "Field 'n': Value must be between 1 <= value <= 1, but got 2"],
        ['top_logprobs', '/v1/responses', { ...short, top_logprobs: 2 }, 400, /^top_logprobs requires logprobs/],
        ['no prompt', '/v1/completions', prompted({ prompt: null }), 400, PROMPT],
        ['no prompts', '/v1/completions', prompted({ prompt: [] }), 400, '"prompt" must not be empty'],
        ['logprobs', '/v1/completions', prompted({ logprobs: 'x' }), 400, isText('logprobs', 'number')],
        ['what is to be rendered', '/apply-template', {}, 400, "'messages' is required"],
        ['a transcription', '/v1/audio/transcriptions', {}, 501, 'The current model does not support audio input.'],
        ['a text without /v1', '/embeddings', { input: 'x' }, 501, /^This server does not support embeddings/],
      ];
      for (const [what, path, body, status, message] of rows)
        it(`at ${what}`, async () => {
          const answer = await post(path, body);
          assert.equal(answer.status, status, answer.text);
          if (message === undefined) return;
          const told: string = answer.json().error.message;
          if (typeof message === 'string') assert.equal(told, message);
          else assert.match(told.replaceAll('\n', ' '), message);
        });
    });

    describe('counts and tells more than it has to,', () => {
      it('the id of every token with its probability', async () => {
        const { logprobs } = (await chat({ max_tokens: 1, logprobs: true, top_logprobs: 1 })).json().choices[0];
        const [token] = logprobs.content;
        assert.deepEqual([typeof token.id, typeof token.top_logprobs[0].id], ['number', 'number']);
      });

      it('what it had in its cache, in the words of each route', async () => {
        const responded = (await post('/v1/responses', { input: 'x', max_output_tokens: 1 })).json();
        assert.equal(typeof responded.usage.input_tokens_details.cached_tokens, 'number');
        const { usage } = (await post('/v1/messages', { messages: user, max_tokens: 1 })).json();
        assert.equal(typeof usage.cache_read_input_tokens, 'number');
      });

      it('usage in the last record of completions, not in one of its own, though asked', async () => {
        const fields = { prompt: 'x', max_tokens: 1, stream: true, stream_options: { include_usage: true } };
        const records = (await post('/v1/completions', fields)).records();
        const last = JSON.parse(records.at(-2) ?? '');
        assert.deepEqual([last.choices[0]?.finish_reason, last.usage.completion_tokens], ['length', 1]);
      });
    });

    // The real model is too quick for this to fail on it; the simulated one is not.
    it('gives the slot of a client that leaves to the next', { timeout: 10_000 }, async () => {
      await askAndLeave(url, '/v1/chat/completions', {
        body: { messages: user, stream: true, max_tokens: 400 },
        headers: headers(),
      });
      const next = await chat({ max_tokens: 1 });
      assert.equal(next.json().usage.completion_tokens, 1);
    });
  });
}

/** What a llama-server without a model of its own answers; it has `target.model` and one more, and room for one. */
export function llamaRouterSuite(who: string, connect: Connect): void {
  describe(`llama-server as router: ${who}`, { timeout: 120_000 }, () => {
    let target: Target;
    let url: string;
    before(async () => {
      target = await connect();
      url = target.url;
    });
    after(() => target[Symbol.asyncDispose]());

    const post = (path: string, body: object) => ask(url, path, { body });
    const chat = (path: string, model: string) => post(path, { model, messages: user, max_tokens: 2 });
    const states = async (): Promise<Record<string, string>> => {
      const { data } = (await ask(url, '/models')).json();
      return Object.fromEntries(data.map((item: Json) => [item.id, item.status.value]));
    };
    const until = async (wanted: Record<string, string>) => {
      for (let i = 0; i < 2000; i++) {
        const now = await states();
        if (Object.entries(wanted).every(([name, value]) => now[name] === value)) return;
      }
      assert.deepEqual(await states(), wanted);
    };

    it('is well and lists models that are not loaded', async () => {
      assert.equal((await ask(url, '/health')).text, '{"status":"ok"}');
      const list = (await ask(url, '/v1/models')).json();
      assert.equal(list.models, undefined);
      const item = list.data.find((entry: Json) => entry.id === target.model);
      assert.deepEqual([item.status.value, item.meta, item.owned_by], ['unloaded', undefined, 'llamacpp']);
      const props = (await ask(url, '/props')).json();
      assert.deepEqual([props.role, props.max_instances, props.default_generation_settings.n_ctx], ['router', 1, 0]);
    });

    it('refuses requests without a model it has', async () => {
      const rows = [
        [() => post('/v1/chat/completions', { messages: user }), 400, 'model name is missing from the request'],
        [() => chat('/v1/chat/completions', 'zzz'), 400, "model 'zzz' not found"],
        [() => chat('/v1/chat/completions?autoload=false', target.model), 400, 'model is not loaded'],
        [() => ask(url, '/props?model=zzz'), 400, "model 'zzz' not found"],
        [() => ask(url, `/props?model=${target.model}&autoload=false`), 400, 'model is not loaded'],
        [() => ask(url, '/slots'), 400, 'model name is missing from the request'],
        [() => post('/models/load', { model: 'zzz' }), 404, 'File Not Found'],
        [() => post('/models/unload', { model: 'zzz' }), 400, 'model is not found'],
        [() => post('/models/unload', { model: target.model }), 400, 'model is not running'],
      ] as const;
      for (const [request, status, message] of rows) {
        const answer = await request();
        assert.deepEqual([answer.status, answer.json().error.message], [status, message]);
      }
    });

    it('loads when told to, before it is done; then the list has what is known of the model', async () => {
      assert.equal((await post('/models/load', { model: target.model })).text, '{"success":true}');
      await until({ [target.model]: 'loaded' });
      const item = (await ask(url, '/models')).json().data.find((entry: Json) => entry.id === target.model);
      assert.ok(item.meta.n_ctx > 0);
      const again = await post('/models/load', { model: target.model });
      assert.deepEqual([again.status, again.json().error.message], [400, 'model is already running']);
    });

    it('passes requests on to the model, chunked, on a connection that stays open', async () => {
      const answer = await chat('/v1/chat/completions', target.model);
      const { connection, 'transfer-encoding': encoding } = answer.headers;
      assert.deepEqual([answer.status, connection === 'close', encoding], [200, false, 'chunked']);
      assert.equal(answer.json().model, target.model);
      const props = (await ask(url, `/props?model=${target.model}`)).json();
      assert.ok(props.total_slots > 0);
    });

    it('loads on demand, in place of the one used least lately', async () => {
      const other = Object.keys(await states()).find((name) => name !== target.model) ?? '';
      const answer = await chat('/v1/chat/completions', other);
      assert.deepEqual([answer.status, answer.json().model], [200, other]);
      await until({ [other]: 'loaded', [target.model]: 'unloaded' });
      assert.equal((await post('/models/unload', { model: other })).text, '{"success":true}');
      await until({ [other]: 'unloaded' });
    });

    it('loads a model that only its properties were asked of', async () => {
      assert.equal((await ask(url, `/props?model=${target.model}`)).status, 200);
      await until({ [target.model]: 'loaded' });
    });
  });
}
