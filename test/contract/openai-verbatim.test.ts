import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import type { SimulatedEndpoint } from '../../src/simulator/simulation.ts';
import { onlyAsked } from '../support/records.ts';
import { type RunningRouter, routerBefore } from '../support/router.ts';
import { json } from '../support/streams.ts';
import { textOf } from '../support/wire.ts';

/** What no reader and writer of JSON would give back as it was. */
const ODD =
  '"x_unknown" : {"2":1e400,"1":-0,"b":1152921504606846977 ,"a":[ 1.00,null ,"\\u0000\\ud800\\/\\u00e9\u00e9"]},\r\n\t"dup":1,"dup":2';

/** Requests of every route whose body is JSON, each with the model as its last member. */
const BODIES: Readonly<Record<string, string>> = {
  '/v1/chat/completions': `{ "messages":[{"role":"user","content":"x\\u0000\\/"}],${ODD},"model":"m"}\n`,
  '/v1/completions': `{"prompt":"\\u003c",${ODD}, "model":"m"} trailing`,
  '/v1/embeddings': `{"input":["a","a\\u0000"],${ODD},"model":"m"}`,
  '/v1/responses': `{"input":"x",${ODD},"model":"m" }`,
  '/v1/messages': `{"max_tokens":5.0,"messages":[{"role":"user","content":"x"}],${ODD},"model":"m"}`,
  '/v1/messages/count_tokens': `{"messages":[{"role":"user","content":"x"}],${ODD},"model":"m"}`,
  '/v1/rerank': `{"query":"q","documents":["a","b"],${ODD},"model":"m"}`,
};
const NOT_ON_OLLAMA = ['/v1/messages/count_tokens', '/v1/rerank'];

/** An answer that passes for one on every route. */
const ANSWER = `{ "id":"x","model":"m" ,"data":[],"results":[],"input_tokens":1.0,"choices":[],${ODD}}\n`;

/** Asks for the answer above, and for nothing that was asked before to count. */
function ask(router: RunningRouter, endpoint: SimulatedEndpoint, path: string, body: string) {
  endpoint.faults.clear();
  endpoint.faults.add({ on: { method: 'POST' }, ...json(ANSWER) });
  endpoint.forgetRequests();
  return router.ask(path, { body });
}

for (const kind of ['ollama', 'llama-server', 'vllm', 'openai'] as const) {
  const paths = Object.keys(BODIES).filter((path) => kind !== 'ollama' || !NOT_ON_OLLAMA.includes(path));
  describe(`1.8, 2.2-2.8 bytes on their way to ${kind} and back`, () => {
    test('are what the client and the endpoint wrote, on every route', async () => {
      await using endpoint = await startSimulatedEndpoint({ kind, models: ['m'] });
      await using router = await routerBefore([endpoint]);
      for (const path of paths) {
        const body = BODIES[path] ?? '';
        const answer = await ask(router, endpoint, path, body);
        assert.deepEqual([answer.status, textOf(answer)], [200, ANSWER], path);
        assert.equal(onlyAsked(endpoint).body.toString(), body, path);
      }
    });

    test('are the same where the model is named twice, or in escapes: the last one counts', async () => {
      await using endpoint = await startSimulatedEndpoint({ kind, models: ['m'] });
      await using router = await routerBefore([endpoint]);
      for (const path of paths) {
        const twice = (BODIES[path] ?? '').replace('{', '{"model":"other",');
        const escaped = (BODIES[path] ?? '').replace('"model":"m"', '"mode\\u006c":"\\u006d"');
        for (const body of [twice, escaped]) {
          assert.equal((await ask(router, endpoint, path, body)).status, 200, path);
          assert.equal(onlyAsked(endpoint).body.toString(), body, path);
        }
      }
    });

    test('change by the name of the model alone, where the endpoint has another one for it', async () => {
      await using endpoint = await startSimulatedEndpoint({ kind, models: ['m'] });
      await using router = await routerBefore([endpoint]);
      // An Ollama understands `:latest`, and newer ones alone `:local`.
      const name = kind === 'ollama' ? 'm:local' : 'm:latest';
      for (const path of paths) {
        const body = BODIES[path] ?? '';
        const answer = await ask(router, endpoint, path, body.replace('"model":"m"', `"model":"${name}"`));
        assert.equal(onlyAsked(endpoint).body.toString(), body, path);
        const named = path === '/v1/messages/count_tokens' ? 'm' : name;
        assert.equal(textOf(answer), ANSWER.replace('"model":"m"', `"model":"${named}"`), path);
      }
    });
  });
}

describe('2.2 a limit under the name that Ollama does not know', () => {
  const FIELDS: readonly [fields: string, added: string][] = [
    ['"max_completion_tokens":5', ',"max_tokens":5'],
    ['"max_completion_tokens":5e0,"max_tokens":null', ',"max_tokens":5e0'],
    ['"max_completion_tokens":5,"max_completion_tokens":6', ',"max_tokens":6'],
    ['"max_completion_tokens":5,"max_tokens":0', ''],
    ['"max_tokens":7,"max_completion_tokens":5', ''],
    ['"max_completion_tokens":null', ''],
  ];
  for (const [fields, added] of FIELDS) {
    test(`${fields} reaches an Ollama with ${added || 'nothing more'}, and every other kind as it is`, async () => {
      for (const kind of ['ollama', 'llama-server', 'vllm', 'openai'] as const) {
        await using endpoint = await startSimulatedEndpoint({ kind, models: ['m'] });
        await using router = await routerBefore([endpoint]);
        const body = `{"model":"m","messages":[],${fields}}`;
        await ask(router, endpoint, '/v1/chat/completions', body);
        const expected = kind === 'ollama' ? `${body.slice(0, -1)}${added}}` : body;
        assert.equal(onlyAsked(endpoint).body.toString(), expected, kind);
      }
    });
  }

  test('2.3 means nothing on the route of completions, which never had it', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    await using router = await routerBefore([endpoint]);
    const body = '{"model":"m","prompt":"x","max_completion_tokens":5}';
    await ask(router, endpoint, '/v1/completions', body);
    assert.equal(onlyAsked(endpoint).body.toString(), body);
  });
});
