import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startFleet } from '../../src/simulator/fleet.ts';
import { asked, onlyAsked } from '../support/records.ts';
import { routerBefore } from '../support/router.ts';
import { headerIn, jsonOf, textOf } from '../support/wire.ts';

const MODEL = {
  name: 'able',
  capabilities: ['completion', 'tools', 'insert', 'vision', 'thinking'],
} as const;
const MESSAGES = '"messages":[{"role":"user","content":"Tell me 3 tokens"}]';

describe('what a request says reaches an Ollama endpoint to the letter (contract 1.4, 1.5)', () => {
  const BODIES = [
    ['/api/chat', `{"model":"able",${MESSAGES},"think":"high","stream":false}`],
    ['/api/chat', `{"model":"able",${MESSAGES},"format":{"type":"object","properties":{"2":{},"1":{}}}}`],
    ['/api/chat', `{"model":"able",${MESSAGES},"logprobs":true,"top_logprobs":2,"options":{"seed":9007199254740993}}`],
    ['/api/chat', `{"model":"able","messages":[{"role":"user","content":"see","images":["aGVsbG8="]}],"shift":false}`],
    [
      '/api/chat',
      `{"MODEL":"able",${MESSAGES},"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"b":{"type":["string","null"]},"a":{"type":"string"}}}}}]}`,
    ],
    ['/api/generate', '{"model":"able","prompt":"def f():","suffix":"return 1","options":null}'],
    ['/api/generate', '{"model":"able","prompt":"<s>x","raw":true,"stream":false}'],
    [
      '/api/generate',
      '{"model":"able","prompt":"x","format":"json","think":false,"context":[1,2],"system":"be brief","template":"{{ .Prompt }}"}',
    ],
  ] as const;
  for (const [path, body] of BODIES) {
    test(`${path} ${body.slice(0, 150)}`, async () => {
      await using fleet = await startFleet({ a: { kind: 'ollama', models: [MODEL] } });
      await using router = await routerBefore([fleet.endpoints.a]);
      // Whatever the type is called, and with what follows the first value left unread.
      const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
      const answer = await router.ask(path, { headers, body: `${body} trailing` });
      assert.equal(answer.status, 200, textOf(answer));
      assert.equal(onlyAsked(fleet.endpoints.a).body.toString(), `${body} trailing`);
      const last = JSON.parse(textOf(answer).trim().split('\n').at(-1) ?? '');
      assert.equal(last.done, true);
    });
  }
});

describe('_debug_render_only shows the prompt and runs nothing (contract 1.5, 4.2)', () => {
  const IMAGE = 'iVBORw0KGgo=';
  const messages = [{ role: 'user', content: 'hi', images: [IMAGE] }];
  const ASKS = [
    ['/api/chat', { messages }, 'message'],
    ['/api/chat', { messages, stream: false }, 'message'],
    ['/api/generate', { prompt: 'hi', system: 'be brief' }, 'response'],
  ] as const;
  for (const [path, fields, place] of ASKS) {
    test(`${path} ${JSON.stringify(fields)} on a llama-server as on an Ollama`, async () => {
      await using fleet = await startFleet({
        a: { kind: 'ollama', models: [{ ...MODEL, name: 'on-ollama' }] },
        l: { kind: 'llama-server', models: [{ ...MODEL, name: 'on-llama' }] },
      });
      await using router = await routerBefore([fleet.endpoints.a, fleet.endpoints.l]);
      const rendered = async (model: string) => {
        const answer = await router.ask(path, { body: { model, ...fields, _debug_render_only: true } });
        const { created_at: at, model: echoed, ...rest } = jsonOf(answer);
        assert.ok(Date.parse(at) > 0);
        assert.equal(echoed, model);
        return [answer.status, headerIn(answer, 'content-type'), rest];
      };
      const own = await rendered('on-ollama');
      assert.deepEqual(await rendered('on-llama'), own);
      assert.ok(JSON.stringify(own).includes(`"${place}"`));
      assert.equal(asked(fleet.endpoints.l)[0]?.path, '/apply-template');
    });
  }

  for (const kind of ['vllm', 'openai'] as const) {
    test(`an endpoint of kind ${kind} cannot: 400`, async () => {
      await using fleet = await startFleet({ o: { kind, models: ['m'] } });
      await using router = await routerBefore([fleet.endpoints.o]);
      const answer = await router.ask('/api/chat', { body: { model: 'm', messages, _debug_render_only: true } });
      const error = '_debug_render_only is not supported by this backend';
      assert.deepEqual([answer.status, jsonOf(answer)], [400, { error }]);
      assert.equal(asked(fleet.endpoints.o).length, 0);
    });
  }

  test("a raw prompt is no template's: 400 on a llama-server", async () => {
    await using fleet = await startFleet({ l: { kind: 'llama-server', models: ['m'] } });
    await using router = await routerBefore([fleet.endpoints.l]);
    const body = { model: 'm', prompt: 'x', raw: true, _debug_render_only: true };
    assert.equal((await router.ask('/api/generate', { body })).status, 400);
  });
});
