import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { ask, askAndLeave, type Json } from './ask.ts';
import type { Connect, Target } from './target.ts';

const json = 'application/json; charset=utf-8';
const user = [{ role: 'user', content: 'x' }];

/** What Ollama 0.24.0 answers, as measured on it. */
export function ollamaSuite(who: string, connect: Connect): void {
  describe(`Ollama: ${who}`, { timeout: 60_000 }, () => {
    let target: Target;
    let url: string;
    before(async () => {
      target = await connect();
      url = target.url;
    });
    after(() => target[Symbol.asyncDispose]());

    const post = (path: string, body: string | object) => ask(url, path, { body });
    const chat = (fields: object) => post('/api/chat', { model: 'tiny', messages: user, ...fields });
    const generate = (fields: object) => post('/api/generate', { model: 'tiny', prompt: 'x', ...fields });
    const running = async () => (await ask(url, '/api/ps')).json().models;
    // The real server answers an unload before it is done, and lists the model a few milliseconds longer.
    const untilNoneRuns = async () => {
      for (let i = 0; i < 1000 && (await running()).length > 0; i++);
      assert.deepEqual(await running(), []);
    };

    it('says that it is running, to GET and to HEAD', async () => {
      const get = await ask(url, '/');
      assert.deepEqual(
        [get.status, get.text, get.headers['content-type']],
        [200, 'Ollama is running', 'text/plain; charset=utf-8'],
      );
      for (const path of ['/', '/api/version', '/api/tags']) {
        const head = await ask(url, path, { method: 'HEAD' });
        assert.deepEqual([head.status, head.text], [200, ''], path);
      }
    });

    it('tells whether it may use a cloud', async () => {
      assert.deepEqual((await ask(url, '/api/status')).json(), { cloud: { disabled: false, source: 'none' } });
    });

    it('recommends models, and has no systemone yet', async () => {
      const { recommendations } = (await ask(url, '/api/experimental/model-recommendations')).json();
      assert.ok(
        recommendations.every((one: Json) => typeof one.model === 'string' && typeof one.description === 'string'),
      );
      const unknown = await post('/v1/systemone', { model: 'tiny' });
      assert.deepEqual([unknown.status, unknown.text], [404, '404 page not found']);
    });

    it('knows its paths and their methods', async () => {
      const unknown = await ask(url, '/nope');
      assert.deepEqual(
        [unknown.status, unknown.text, unknown.headers['content-type']],
        [404, '404 page not found', 'text/plain'],
      );
      const rows = [
        ['PUT', '/api/tags', 'HEAD, GET'],
        ['GET', '/api/chat', 'POST'],
        ['HEAD', '/api/ps', 'GET'],
        ['HEAD', '/v1/models', 'GET'],
        ['POST', '/api/delete', 'DELETE'],
        ['GET', '/api/me', 'POST'],
        ['GET', '/api/signout', 'POST'],
        ['GET', '/api/user/keys/x', 'DELETE'],
        ['GET', '/api/experimental/web_search', 'POST'],
        ['POST', '/api/experimental/model-recommendations', 'GET'],
      ] as const;
      for (const [method, path, allow] of rows) {
        const answer = await ask(url, path, { method });
        assert.deepEqual([answer.status, answer.headers['allow']], [405, allow], `${method} ${path}`);
      }
    });

    it('redirects from a trailing or doubled slash', async () => {
      const rows = [
        ['GET', '/api/tags/', 301],
        ['POST', '/api/chat/', 307],
        ['GET', '//api/tags', 307],
      ] as const;
      for (const [method, path, status] of rows) {
        const answer = await ask(url, path, { method });
        assert.deepEqual(
          [answer.status, answer.headers.location],
          [status, `/api/${path.includes('tags') ? 'tags' : 'chat'}`],
          path,
        );
      }
    });

    it('refuses foreign origins and hosts with an empty body, and answers local ones', async () => {
      for (const headers of [{ Origin: 'http://evil.example' }, { Host: 'evil.example' }]) {
        const answer = await ask(url, '/api/tags', { headers });
        assert.deepEqual([answer.status, answer.text], [403, '']);
      }
      const local = await ask(url, '/api/tags', { headers: { Origin: 'http://localhost:3000' } });
      assert.deepEqual([local.status, local.headers['access-control-allow-origin']], [200, 'http://localhost:3000']);
      const preflight = await ask(url, '/api/chat', {
        method: 'OPTIONS',
        headers: { Origin: 'http://localhost:3000', 'Access-Control-Request-Method': 'POST' },
      });
      assert.equal(preflight.status, 204);
    });

    describe('refuses', () => {
      const rows: readonly (readonly [path: string, body: string, status: number, error: string])[] = [
        ['/api/chat', '', 400, 'missing request body'],
        ['/api/chat', '{bad', 400, "invalid character 'b' looking for beginning of object key string"],
        ['/api/chat', '{"model":', 400, 'unexpected EOF'],
        ['/api/chat', 'hello', 400, "invalid character 'h' looking for beginning of value"],
        ['/api/chat', '[]', 400, 'json: cannot unmarshal array into Go value of type api.ChatRequest'],
        [
          '/api/chat',
          '{"model":1}',
          400,
          'json: cannot unmarshal number into Go struct field ChatRequest.model of type string',
        ],
        [
          '/api/chat',
          '{"stream":"x"}',
          400,
          'json: cannot unmarshal string into Go struct field ChatRequest.stream of type bool',
        ],
        [
          '/api/chat',
          '{"messages":"x"}',
          400,
          'json: cannot unmarshal string into Go struct field ChatRequest.messages of type []api.Message',
        ],
        [
          '/api/chat',
          '{"messages":[{"content":["a"]}]}',
          400,
          'json: cannot unmarshal array into Go struct field ChatRequest.messages.content of type string',
        ],
        [
          '/api/chat',
          '{"options":5}',
          400,
          'json: cannot unmarshal number into Go struct field ChatRequest.options of type map[string]interface {}',
        ],
        ['/api/chat', '{"model":""}', 400, 'model is required'],
        ['/api/chat', '{"model":"zzz"}', 404, "model 'zzz' not found"],
        ['/api/chat', '{"model":"a b"}', 400, 'invalid model name'],
        ['/api/chat', '{"model":" "}', 400, 'model is required'],
        ['/api/generate', '{"model":" "}', 404, "model ' ' not found"],
        ['/api/chat', '{"model":"http://zzz"}', 400, 'invalid model name'],
        ['/api/chat', '{"model":"reg:5000/foo"}', 400, 'invalid model name'],
        ['/api/chat', '{"model":"tiny:local:local"}', 400, 'use either :local or :cloud, not both: "tiny:local:local"'],
        [
          '/api/embed',
          '{"model":"x:20b-cloud:local"}',
          400,
          'use either :local or :cloud, not both: "x:20b-cloud:local"',
        ],
        ['/api/embed', '{"model":"a b"}', 400, 'invalid model name'],
        ['/api/embeddings', '{"model":"a b"}', 400, 'invalid model name'],
        ['/api/embeddings', '{"model":"zzz:LOCAL"}', 404, 'model "zzz:LOCAL" not found, try pulling it first'],
        ['/api/show', '{"model":"zzz:local"}', 404, "model 'zzz' not found"],
        ['/api/show', '{"name":"tiny:cloud:local"}', 400, 'use either :local or :cloud, not both: "tiny:cloud:local"'],
        ['/api/chat', '{"model":"tiny","keep_alive":"300"}', 400, 'time: missing unit in duration "300"'],
        ['/api/chat', '{"model":"tiny","keep_alive":"-1"}', 400, 'time: missing unit in duration "-1"'],
        ['/api/chat', '{"model":"tiny","keep_alive":"abc"}', 400, 'time: invalid duration "abc"'],
        ['/api/chat', '{"model":"tiny","keep_alive":""}', 400, 'time: invalid duration ""'],
        ['/api/chat', '{"model":"tiny","keep_alive":true}', 400, "Unsupported type: 'bool'"],
        [
          '/api/chat',
          '{"model":"tiny","think":"foo"}',
          400,
          'invalid think value: "foo" (must be "high", "medium", "low", "max", true, or false)',
        ],
        [
          '/api/chat',
          '{"model":"tiny","think":5}',
          400,
          'think must be a boolean or string ("high", "medium", "low", "max", true, or false)',
        ],
        ['/api/chat', '{"model":"tiny","think":true}', 400, '"tiny" does not support thinking'],
        ['/api/chat', '{"model":"tiny","top_logprobs":21}', 400, 'top_logprobs must be between 0 and 20'],
        [
          '/api/chat',
          '{"model":"tiny","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f"}}]}',
          400,
          'registry.ollama.ai/library/tiny:latest does not support tools',
        ],
        [
          '/api/chat',
          '{"model":"tiny","messages":[{"role":"user","images":["data:x"]}]}',
          400,
          'illegal base64 data at input byte 4',
        ],
        ['/api/generate', '', 400, 'missing request body'],
        ['/api/generate', '{"model":""}', 404, "model '' not found"],
        ['/api/generate', '{"model":"zzz"}', 404, "model 'zzz' not found"],
        ['/api/generate', '{"model":"a b"}', 400, 'invalid model name'],
        [
          '/api/generate',
          '{"model":"tiny","prompt":"x","suffix":"y"}',
          400,
          'registry.ollama.ai/library/tiny:latest does not support insert',
        ],
        [
          '/api/generate',
          '{"model":"tiny","prompt":"x","raw":true,"system":"y"}',
          400,
          'raw mode does not support template, system, or context',
        ],
        [
          '/api/generate',
          '{"model":"tiny","prompt":"x","options":{"num_predict":"x"}}',
          500,
          'option "num_predict" must be of type integer',
        ],
        [
          '/api/generate',
          '{"model":"tiny","prompt":"x","options":{"temperature":"x"}}',
          500,
          'option "temperature" must be of type float32',
        ],
        [
          '/api/generate',
          '{"model":"tiny","prompt":"x","options":{"use_mmap":"x"}}',
          500,
          'option "use_mmap" must be of type boolean',
        ],
        [
          '/api/generate',
          '{"model":"tiny","prompt":"x","options":{"stop":"x"}}',
          500,
          'option "stop" must be of type array',
        ],
        ['/api/embed', '{"model":""}', 404, "model '' not found"],
        ['/api/embed', '{"model":"zzz"}', 404, 'model "zzz" not found, try pulling it first'],
        ['/api/embed', '{"model":"tiny","input":[1]}', 400, 'invalid input type'],
        ['/api/embed', '{"model":"tiny","input":5}', 400, 'invalid input type'],
        ['/api/embeddings', '{}', 400, 'model is required'],
        ['/api/embeddings', '{"model":"zzz"}', 404, 'model "zzz" not found, try pulling it first'],
        ['/api/show', '{}', 400, 'model is required'],
        ['/api/show', '{"model":"zzz"}', 404, "model 'zzz' not found"],
        ['/api/show', '{"model":"a b"}', 400, 'invalid model name'],
        ['/api/copy', '{"source":"zzz","destination":"y"}', 404, 'model "zzz" not found'],
        ['/api/copy', '{"source":"","destination":"y"}', 400, 'source "" is invalid'],
        ['/api/copy', '{"source":"tiny","destination":""}', 400, 'destination "" is invalid'],
        ['DELETE /api/delete', '{"model":"zzz"}', 404, "model 'zzz' not found"],
        ['DELETE /api/delete', '{"model":"a b"}', 400, 'name "a b" is invalid'],
        ['DELETE /api/delete', '{}', 400, 'model is required'],
      ];
      for (const [route, body, status, error] of rows) {
        it(`${route} ${body === '' ? 'without a body' : body}`, async () => {
          const [path = '', method = 'POST'] = route.split(' ').reverse();
          const answer = await ask(url, path, { method, body });
          assert.deepEqual([answer.status, answer.headers['content-type'], answer.json()], [status, json, { error }]);
        });
      }
    });

    it('refuses out of the would-be stream with a bare content type', async () => {
      const format = await generate({ format: 'yaml' });
      const error = 'invalid format: "\\"yaml\\""; expected "json" or a valid JSON Schema object';
      assert.deepEqual(
        [format.status, format.headers['content-type'], format.json()],
        [500, 'application/json', { error }],
      );
      const long = await chat({
        messages: [{ role: 'user', content: 'a b c d '.repeat(40) }],
        truncate: false,
        options: { num_ctx: 16 },
      });
      assert.deepEqual(
        [long.status, long.headers['content-type'], long.json()],
        [400, 'application/json', { error: 'the input length exceeds the context length' }],
      );
    });

    it('lists the model with what clients need of it', async () => {
      const { models } = (await ask(url, '/api/tags')).json();
      const entry = models.find((model: Json) => model.name === 'tiny:latest');
      assert.equal(entry.model, 'tiny:latest');
      assert.match(entry.digest, /^[0-9a-f]{64}$/);
      assert.equal(typeof entry.size, 'number');
      assert.ok(Date.parse(entry.modified_at) > 0);
      assert.deepEqual(Object.keys(entry.details).sort(), [
        'families',
        'family',
        'format',
        'parameter_size',
        'parent_model',
        'quantization_level',
      ]);
    });

    it('shows a model by either field, whichever is not empty', async () => {
      for (const body of [
        { model: 'tiny' },
        { name: 'tiny' },
        { model: '', name: 'tiny' },
        { model: 'tiny', name: '' },
      ]) {
        const shown = (await post('/api/show', body)).json();
        assert.equal(shown.model_info['general.architecture'], 'llama');
        assert.ok(shown.model_info['llama.context_length'] > 0);
        assert.ok(shown.tensors.length > 0, 'tensors stand there without verbose');
        assert.deepEqual(shown.capabilities, ['completion']);
        assert.ok(Date.parse(shown.modified_at) > 0);
        assert.equal(typeof shown.template, 'string');
      }
    });

    it('loads and unloads with one object, streaming or not', async () => {
      for (const stream of [true, false]) {
        const loaded = await post('/api/chat', { model: 'tiny', stream });
        assert.equal(loaded.headers['content-type'], json);
        assert.deepEqual(without(loaded.json(), 'created_at'), {
          model: 'tiny',
          message: { role: 'assistant', content: '' },
          done: true,
          done_reason: 'load',
        });
        const [entry] = await running();
        assert.deepEqual([entry.name, entry.model, entry.context_length > 0], ['tiny:latest', 'tiny:latest', true]);
        assert.ok(Date.parse(entry.expires_at) > Date.now());
        assert.ok(entry.size > 0 && entry.size_vram >= 0);
        const unloaded = await post('/api/generate', { model: 'library/tiny:latest', keep_alive: '0s', stream });
        assert.deepEqual(without(unloaded.json(), 'created_at'), {
          model: 'library/tiny:latest',
          response: '',
          done: true,
          done_reason: 'unload',
        });
        await untilNoneRuns();
      }
    });

    it('escapes HTML in its JSON, as Go does', async () => {
      const { text } = await post('/v1/chat/completions', {
        model: 'tiny',
        messages: [{ role: 'user', content: null }],
      });
      assert.ok(text.includes('type: \\u003cnil\\u003e"'), text);
    });

    it('keeps a model as long as the latest request says', async () => {
      const stays = async (keepAlive: unknown) => {
        await post('/api/generate', { model: 'tiny', keep_alive: keepAlive });
        return (Date.parse((await running())[0].expires_at) - Date.now()) / 1000;
      };
      const about = (seconds: number, wanted: number) =>
        assert.ok(Math.abs(seconds - wanted) < 60, `${seconds} s instead of ${wanted}`);
      about(await stays('1h'), 3600);
      about(await stays(600.5), 600);
      about(await stays('5m'), 300);
      about(await stays(null), 300);
      assert.ok((await stays(-1)) > 200 * 365 * 86_400, 'for ever is some 292 years');
      assert.ok((await stays('-1m')) > 200 * 365 * 86_400);
      await post('/api/generate', { model: 'tiny', keep_alive: 0 });
    });

    it('loads anew for another num_ctx', async () => {
      await chat({ options: { num_ctx: 128, num_predict: 1 } });
      assert.equal((await running())[0].context_length, 128);
      await chat({ options: { num_ctx: 64, num_predict: 1 } });
      assert.equal((await running())[0].context_length, 64);
      await post('/api/generate', { model: 'tiny', keep_alive: 0 });
    });

    it('streams a chat as lines of JSON that end with the metrics', async () => {
      const answer = await chat({ model: 'TINY', options: { num_predict: 2 } });
      assert.equal(answer.status, 200);
      assert.equal(answer.headers['content-type'], 'application/x-ndjson');
      assert.equal(answer.headers['transfer-encoding'], 'chunked');
      assert.ok(answer.text.endsWith('}\n') && !answer.text.includes('\n\n'));
      const lines = answer.lines();
      const last = lines.pop();
      for (const line of lines) {
        assert.deepEqual(Object.keys(line), ['model', 'created_at', 'message', 'done']);
        assert.deepEqual(
          [line.model, line.message.role, typeof line.message.content, line.done],
          ['TINY', 'assistant', 'string', false],
        );
        assert.match(line.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/);
      }
      assert.deepEqual([last.done, last.done_reason, last.eval_count], [true, 'length', 2]);
      for (const name of [
        'total_duration',
        'load_duration',
        'prompt_eval_count',
        'prompt_eval_duration',
        'eval_duration',
      ]) {
        assert.ok(Number.isInteger(last[name]) && last[name] > 0, name);
      }
    });

    it('answers a chat whole where asked to', async () => {
      const answer = await chat({ stream: false, options: { num_predict: 2 } });
      assert.equal(answer.headers['content-type'], json);
      const body = answer.json();
      assert.deepEqual([body.done, body.done_reason, body.eval_count], [true, 'length', 2]);
      assert.ok(body.message.content.length > 0);
    });

    it('reads fields in any case, whatever the content type, and nothing after the first value', async () => {
      const body = '{"MODEL":"tiny","Prompt":"x","Stream":false,"unknown":1,"options":{"num_predict":2}} trailing';
      const answer = await ask(url, '/api/generate', { body, headers: { 'Content-Type': 'text/plain' } });
      assert.deepEqual([answer.status, answer.json().eval_count], [200, 2]);
    });

    it('generates with a context, and without one when raw', async () => {
      const lines = (await generate({ options: { num_predict: 2 } })).lines();
      assert.equal(typeof lines[0].response, 'string');
      const last = lines.at(-1);
      assert.deepEqual([last.done_reason, last.response], ['length', '']);
      assert.ok(last.context.every(Number.isInteger) && last.context.length > 0);
      const raw = (await generate({ raw: true, stream: false, options: { num_predict: 2 } })).json();
      assert.equal(raw.context, undefined);
    });

    it('shows the rendered prompt instead of running it', async () => {
      const body = (await generate({ _debug_render_only: true })).json();
      assert.deepEqual([body.response, body.done], ['', false]);
      assert.ok(body._debug_info.rendered_template.includes('x'));
    });

    it('gives log probabilities as a flat list, with alternatives where asked', async () => {
      const body = (
        await generate({ stream: false, logprobs: true, top_logprobs: 2, options: { num_predict: 2 } })
      ).json();
      assert.equal(body.logprobs.length, 2);
      assert.deepEqual(Object.keys(body.logprobs[0]), ['token', 'logprob', 'bytes', 'top_logprobs']);
      assert.equal(body.logprobs[0].top_logprobs.length, 2);
      const bare = (await generate({ stream: false, logprobs: true, options: { num_predict: 1 } })).json();
      assert.deepEqual(Object.keys(bare.logprobs[0]), ['token', 'logprob', 'bytes']);
    });

    it('embeds with length 1, cut where asked, in the order of the inputs', async () => {
      const body = (await post('/api/embed', { model: 'tiny', input: ['hi', 'you'], dimensions: 3 })).json();
      assert.deepEqual(
        body.embeddings.map((vector: number[]) => vector.length),
        [3, 3],
      );
      for (const vector of body.embeddings) assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-4);
      assert.ok(body.prompt_eval_count > 0 && body.total_duration > 0);
      const [second] = (await post('/api/embed', { model: 'tiny', input: 'you', dimensions: 3 })).json().embeddings;
      assert.ok(Math.abs(second[0] - body.embeddings[1][0]) < 1e-3);
      for (const input of [[], '', undefined]) {
        const empty = await post('/api/embed', { model: 'tiny', input });
        assert.deepEqual(empty.json(), { model: 'tiny', embeddings: [] });
      }
      const old = (await post('/api/embeddings', { model: 'tiny', prompt: 'hi' })).json();
      assert.deepEqual(Object.keys(old), ['embedding']);
      assert.deepEqual((await post('/api/embeddings', { model: 'tiny' })).json(), { embedding: [] });
    });

    it('copies and deletes with empty answers', async () => {
      const copied = await post('/api/copy', { source: 'tiny', destination: 'twin' });
      assert.deepEqual([copied.status, copied.text], [200, '']);
      const names = async () => (await ask(url, '/api/tags')).json().models.map((model: Json) => model.name);
      assert.deepEqual(await names(), ['twin:latest', 'tiny:latest'], 'newest first');
      const deleted = await ask(url, '/api/delete', { method: 'DELETE', body: { name: 'TWIN' } });
      assert.deepEqual([deleted.status, deleted.text], [200, '']);
      assert.deepEqual(await names(), ['tiny:latest']);
    });

    it('takes uploads, and creates models from them and from others', async () => {
      const bytes = 'no model';
      const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
      const head = async (name: string) => (await ask(url, `/api/blobs/${name}`, { method: 'HEAD' })).status;
      assert.deepEqual([await head('x'), await head(digest)], [400, 404]);
      const wrong = await post(`/api/blobs/${digest}`, 'other');
      assert.match(wrong.json().error, /^digest mismatch, expected "sha256:[0-9a-f]{64}", got "sha256:[0-9a-f]{64}"$/);
      const first = await post(`/api/blobs/${digest}`, bytes);
      assert.deepEqual([first.status, first.text, await head(digest)], [201, '', 200]);
      assert.equal((await post(`/api/blobs/${digest}`, bytes)).status, 200);
      const created = await post('/api/create', { model: 'made', from: 'tiny' });
      assert.equal(created.headers['content-type'], 'application/x-ndjson');
      const statuses = created.lines().map((line) => line.status);
      assert.match(statuses[0], /^using existing layer sha256:/);
      assert.deepEqual(statuses.slice(-2), ['writing manifest', 'success']);
      const whole = await post('/api/create', { name: 'made', from: 'tiny', stream: false });
      assert.deepEqual([whole.headers['content-type'], whole.json()], ['application/json', { status: 'success' }]);
      await ask(url, '/api/delete', { method: 'DELETE', body: { model: 'made' } });
      const rows = [
        [{ model: 'made' }, 400, 'application/json', "neither 'from' or 'files' was specified"],
        [{ model: 'made', stream: false }, 400, 'application/json', "neither 'from' or 'files' was specified"],
        [{ model: 'a b', from: 'tiny' }, 400, json, 'invalid model name'],
        [{ model: 'made', files: { '../x.gguf': digest } }, 400, json, 'file path must be relative'],
      ] as const;
      for (const [body, status, type, error] of rows) {
        const answer = await post('/api/create', body);
        assert.deepEqual([answer.status, answer.headers['content-type'], answer.json()], [status, type, { error }]);
      }
      const late = (await post('/api/create', { model: 'made', files: { 'x.gguf': 'zz' } })).lines();
      assert.deepEqual(late, [{ status: 'parsing GGUF' }, { error: 'invalid digest format' }]);
    });

    it('begins pull and push before it knows whether they can be done', async () => {
      for (const path of ['/api/pull', '/api/push'])
        assert.equal((await post(path, '')).json().error, 'missing request body');
      assert.deepEqual((await post('/api/pull', { model: 'a b' })).json(), { error: 'invalid model name' });
      assert.deepEqual((await post('/api/push', {})).json(), { error: 'model is required' });
      const pulled = await post('/api/pull', { name: '127.0.0.1:9/x/y', insecure: true });
      const [first, second] = pulled.lines();
      assert.deepEqual([pulled.status, first], [200, { status: 'pulling manifest' }]);
      assert.match(second.error, /^pull model manifest: /);
      const whole = await post('/api/pull', { model: '127.0.0.1:9/x/y', insecure: true, stream: false });
      assert.deepEqual([whole.status, whole.headers['content-type']], [500, 'application/json']);
      const pushed = (await post('/api/push', { model: 'zzz' })).lines();
      assert.deepEqual(pushed.slice(0, 2), [
        { status: 'retrieving manifest' },
        { status: "couldn't retrieve manifest" },
      ]);
      assert.equal(typeof pushed[2].error, 'string');
    });

    it('gives the slot of a client that leaves to the next', { timeout: 20_000 }, async () => {
      await askAndLeave(url, '/api/chat', {
        body: { model: 'tiny', messages: user, options: { num_predict: 50_000 } },
      });
      const next = await chat({ stream: false, options: { num_predict: 1 } });
      assert.equal(next.json().eval_count, 1);
    });

    describe('by way of /v1,', () => {
      const v1 = (path: string, fields: object) => post(`/v1/${path}`, { model: 'tiny', ...fields });
      const short = { max_output_tokens: 1 };

      it('takes sound for a picture, and both for nothing where it cannot see', async () => {
        const content = [{ type: 'input_audio', input_audio: { data: 'aGk=', format: 'wav' } }];
        const answer = await v1('chat/completions', { messages: [{ role: 'user', content }], max_tokens: 1 });
        assert.deepEqual([answer.status, answer.json().usage?.completion_tokens], [200, 1]);
      });

      it('counts tools of its own as tools', async () => {
        for (const type of ['web_search', 'zz']) {
          const answer = await v1('responses', { input: 'x', tools: [{ type }], ...short });
          const message = 'registry.ollama.ai/library/tiny:latest does not support tools';
          assert.deepEqual([answer.status, answer.json().error?.message], [400, message]);
        }
      });

      it('says what is wrong with a call, and with an input', async () => {
        const called = { type: 'function_call', call_id: 'c', name: 'f', arguments: 'bad' };
        for (const [input, message] of [
          [[called], /^failed to parse function call arguments: invalid character 'b' looking for beginning of value$/],
          [5, /^input must be a string or array: json: cannot unmarshal number into Go value of type/],
        ] as const) {
          const answer = await v1('responses', { input, ...short });
          assert.equal(answer.status, 400);
          assert.match(answer.json().error.message, message);
        }
      });

      it('echoes every setting of a response', async () => {
        const body = (await v1('responses', { input: 'x', ...short })).json();
        assert.deepEqual([body.frequency_penalty, body.presence_penalty, body.max_tool_calls], [0, 0, null]);
      });
    });

    describe('/v1', () => {
      const v1 = (fields: object) => post('/v1/chat/completions', { model: 'tiny', messages: user, ...fields });

      it('answers a chat whole', async () => {
        const answer = await v1({ max_tokens: 2, max_completion_tokens: 1, n: 3, tool_choice: 'none', unknown: true });
        assert.deepEqual([answer.status, answer.headers['content-type']], [200, 'application/json']);
        const body = answer.json();
        assert.match(body.id, /^chatcmpl-\d{1,3}$/);
        assert.deepEqual(Object.keys(body), [
          'id',
          'object',
          'created',
          'model',
          'system_fingerprint',
          'choices',
          'usage',
        ]);
        assert.deepEqual([body.object, body.model, body.system_fingerprint], ['chat.completion', 'tiny', 'fp_ollama']);
        assert.equal(body.choices.length, 1, 'n is ignored');
        assert.deepEqual([body.choices[0].finish_reason, body.choices[0].message.role], ['length', 'assistant']);
        assert.equal(body.usage.completion_tokens, 2, 'max_completion_tokens is ignored');
        assert.equal(body.usage.total_tokens, body.usage.prompt_tokens + 2);
      });

      it('streams a chat as records that end with [DONE], usage only when asked', async () => {
        const answer = await v1({ max_tokens: 2, stream: true });
        assert.equal(answer.headers['content-type'], 'text/event-stream');
        const records = answer.records();
        assert.equal(records.pop(), '[DONE]');
        const chunks: Json[] = records.map((record) => JSON.parse(record));
        assert.ok(chunks.every((chunk) => chunk.choices.length === 1 && chunk.usage === undefined));
        assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1);
        assert.ok(
          chunks.every((chunk) => chunk.choices[0].delta.role === 'assistant'),
          'a role in every delta before 0.32.6',
        );
        assert.deepEqual(chunks.map((chunk) => chunk.choices[0].finish_reason).filter(Boolean), ['length']);
        const asked = (await v1({ max_tokens: 2, stream: true, stream_options: { include_usage: true } })).records();
        const usage = JSON.parse(asked.at(-2) ?? '');
        assert.deepEqual([usage.choices, usage.usage.completion_tokens], [[], 2]);
      });

      it('completes with usage in every record when asked, the true one last', async () => {
        const body = {
          model: 'tiny',
          prompt: 'x',
          max_tokens: 2,
          stream: true,
          stream_options: { include_usage: true },
        };
        const records = (await post('/v1/completions', body)).records();
        assert.equal(records.pop(), '[DONE]');
        const chunks: Json[] = records.map((record) => JSON.parse(record));
        const last = chunks.pop();
        assert.deepEqual([last.choices, last.usage.completion_tokens], [[], 2]);
        assert.ok(chunks.every((chunk) => chunk.object === 'text_completion' && chunk.usage.total_tokens === 0));
        const whole = (await post('/v1/completions', { model: 'tiny', prompt: 'x', max_tokens: 2 })).json();
        assert.match(whole.id, /^cmpl-\d{1,3}$/);
        assert.deepEqual([typeof whole.choices[0].text, whole.choices[0].finish_reason], ['string', 'length']);
        const load = (await post('/v1/completions', { model: 'tiny', prompt: '' })).json();
        assert.equal(load.choices[0].finish_reason, 'load');
      });

      it('embeds as floats or as base64', async () => {
        const embed = (fields: object) =>
          post('/v1/embeddings', { model: 'tiny', input: 'x', dimensions: 2, ...fields });
        const floats = (await embed({})).json();
        assert.deepEqual([floats.object, floats.data[0].object, floats.data[0].index], ['list', 'embedding', 0]);
        assert.equal(floats.data[0].embedding.length, 2);
        assert.equal(floats.usage.total_tokens, floats.usage.prompt_tokens);
        const packed = Buffer.from((await embed({ encoding_format: 'base64' })).json().data[0].embedding, 'base64');
        assert.ok(Math.abs(packed.readFloatLE(0) - floats.data[0].embedding[0]) < 1e-3);
        assert.equal((await embed({ input: '' })).json().data[0].embedding.length, 2, 'an empty text is embedded');
      });

      it('lists models, and finds one by a single path segment', async () => {
        const list = await ask(url, '/v1/models');
        assert.equal(list.headers['content-type'], 'application/json');
        const [item] = list.json().data;
        assert.deepEqual(
          [item.id, item.object, item.owned_by, Number.isInteger(item.created)],
          ['tiny:latest', 'model', 'library', true],
        );
        assert.equal((await ask(url, '/v1/models/tiny')).json().id, 'tiny');
        for (const path of ['/v1/models/me/tiny', '/v1/models/me%2Ftiny']) {
          const answer = await ask(url, path);
          assert.deepEqual([answer.status, answer.text], [404, '404 page not found']);
        }
        const unknown = await ask(url, '/v1/models/zzz');
        assert.deepEqual([unknown.status, unknown.json().error.type], [404, 'not_found_error']);
      });

      describe('refuses', () => {
        const c = '/v1/chat/completions';
        const say = (content: string) => `{"model":"tiny","messages":[{"role":"user","content":${content}}]}`;
        const rows: readonly (readonly [
          path: string,
          body: string,
          status: number,
          message: string,
          charset?: boolean,
        ])[] = [
          [c, '', 400, 'EOF'],
          ['/v1/completions', '', 400, 'EOF'],
          ['/v1/embeddings', '', 400, 'EOF'],
          [c, '[]', 400, 'json: cannot unmarshal array into Go value of type openai.ChatCompletionRequest'],
          [
            c,
            '{"max_tokens":"1"}',
            400,
            'json: cannot unmarshal string into Go struct field ChatCompletionRequest.max_tokens of type int',
          ],
          [
            c,
            '{"temperature":"1"}',
            400,
            'json: cannot unmarshal string into Go struct field ChatCompletionRequest.temperature of type float64',
          ],
          [c, '{"model":"tiny","messages":[]}', 400, "[] is too short - 'messages'"],
          [c, say('null'), 400, 'invalid message content type: <nil>'],
          [c, say('5'), 400, 'invalid message content type: float64'],
          [c, say('[{"type":"foo"}]'), 400, 'invalid message format'],
          [
            c,
            say('[{"type":"image_url","image_url":{"url":"http://x/y.png"}}]'),
            400,
            'image URLs are not currently supported, please use base64 encoded data instead',
          ],
          [c, say('[{"type":"image_url","image_url":{"url":"data:foo"}}]'), 400, 'invalid image input'],
          [
            c,
            '{"model":"tiny","messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"x"}}]}]}',
            400,
            'invalid tool call arguments',
          ],
          [
            c,
            '{"model":"tiny","messages":[{"role":"user","content":"x"}],"reasoning_effort":"foo"}',
            400,
            'invalid reasoning value: \'foo\' (must be "high", "medium", "low", "max", or "none")',
          ],
          [
            c,
            '{"model":"tiny","messages":[{"role":"user","content":"x"}],"reasoning_effort":"high"}',
            400,
            '"tiny" does not support thinking',
            false,
          ],
          [c, '{"model":"","messages":[{"role":"user","content":"x"}]}', 400, 'model is required', false],
          [c, '{"model":"zzz","messages":[{"role":"user","content":"x"}]}', 404, "model 'zzz' not found", false],
          [
            '/v1/completions',
            '{"model":"tiny","prompt":["x"]}',
            400,
            'json: cannot unmarshal array into Go struct field CompletionRequest.prompt of type string',
          ],
          [
            '/v1/embeddings',
            '{"model":"tiny","input":"x","encoding_format":"foo"}',
            400,
            "Invalid value for 'encoding_format' = foo. Supported values: ['float', 'base64'].",
          ],
          ['/v1/embeddings', '{"model":"tiny","input":[]}', 400, 'invalid input'],
          ['/v1/embeddings', '{"model":"tiny","input":[1,2]}', 400, 'invalid input type', false],
          ['/v1/embeddings', '{"model":"zzz","input":"x"}', 404, 'model "zzz" not found, try pulling it first', false],
        ];
        for (const [path, body, status, message, charset = true] of rows) {
          it(`${path} ${body === '' ? 'without a body' : body}`, async () => {
            const answer = await ask(url, path, { method: 'POST', body });
            const type = status === 404 ? 'not_found_error' : 'invalid_request_error';
            const error = { message, type, param: null, code: null };
            assert.deepEqual([answer.status, answer.json()], [status, { error }]);
            assert.equal(answer.headers['content-type'], charset ? json : 'application/json');
          });
        }
      });
    });
  });
}

function without(object: Json, name: string): Json {
  return Object.fromEntries(Object.entries(object).filter(([key]) => key !== name));
}
