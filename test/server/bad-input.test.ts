import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import type { SimulatedEndpoint } from '../../src/simulator/simulation.ts';
import { asked } from '../support/records.ts';
import { type RunningRouter, routerBefore } from '../support/router.ts';
import { headerIn, jsonOf, textOf } from '../support/wire.ts';

const MESSAGES = [{ role: 'user', content: 'say 1 tokens' }];
const CHAT = '/api/chat';
const GENERATE = '/api/generate';
const COMPLETION = '/v1/chat/completions';

describe('a request that makes no sense', () => {
  let endpoint: SimulatedEndpoint;
  let router: RunningRouter;
  before(async () => {
    endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    router = await routerBefore([endpoint]);
  });
  after(async () => {
    await router[Symbol.asyncDispose]();
    await endpoint[Symbol.asyncDispose]();
  });

  const said = (path: string, body: string | Buffer | object) =>
    router.ask(path, { body }).then((answer) => {
      const { error } = jsonOf(answer);
      return [answer.status, path.startsWith('/v1') ? error.message : error];
    });

  for (const [name, path, body, status, message] of [
    ['is empty', CHAT, '', 400, 'missing request body'],
    ['is empty', GENERATE, '', 400, 'missing request body'],
    ['is empty', '/api/show', '', 400, 'missing request body'],
    ['breaks off', CHAT, '{"model":"m",\n "messages":', 400, /^request body is not valid JSON at line 2 column \d+: /],
    ['has a comma too many', CHAT, '{"model":"m",\n\n  "stream": true,}', 400, /at line 3 column 18: /],
    ['is no JSON', COMPLETION, 'model=m', 400, /at line 1 column 1: /],
    ['is white space', CHAT, '  \n', 400, /^request body is not valid JSON/],
    ['is an array', CHAT, '[{"model":"m"}]', 400, /^request body is not valid JSON at line 1 column 1: /],
    ['is a number', GENERATE, '42', 400, /^request body is not valid JSON/],
    ['is null', COMPLETION, 'null', 400, /^request body is not valid JSON/],
    ['is nested without end', CHAT, '['.repeat(100_000), 400, /^request body is not valid JSON/],
    ['nests without end', CHAT, `{"model":"m","x":${'{"a":'.repeat(50_000)}`, 400, /^request body is not valid JSON/],
    ['is not UTF-8', CHAT, Buffer.from([0xff, 0xfe, 0x7b]), 400, /^request body is not valid JSON/],
    ['names no model', CHAT, { messages: MESSAGES }, 400, 'model is required'],
    ['names an empty model', CHAT, { model: '', messages: MESSAGES }, 400, 'model is required'],
    ['names null as model', COMPLETION, { model: null, messages: MESSAGES }, 400, 'model is required'],
    ['names no model', GENERATE, { prompt: 'x' }, 404, "model '' not found"],
    ['names an unknown model', CHAT, { model: 'x', messages: MESSAGES }, 404, "model 'x' not found"],
    [
      'names a model that cannot be',
      CHAT,
      { model: '../../etc/passwd', messages: MESSAGES },
      400,
      'invalid model name',
    ],
    [
      'names __proto__',
      CHAT,
      '{"model":"__proto__","__proto__":{"a":1},"messages":[]}',
      404,
      "model '__proto__' not found",
    ],
    ['names constructor', COMPLETION, '{"model":"constructor"}', 404, "model 'constructor' not found"],
    [
      'names a number as model',
      CHAT,
      { model: 5 },
      400,
      'json: cannot unmarshal number into Go struct field ChatRequest.model of type string',
    ],
    [
      'has a text as stream',
      GENERATE,
      { model: 'm', prompt: 'x', stream: 'yes' },
      400,
      'json: cannot unmarshal string into Go struct field GenerateRequest.stream of type bool',
    ],
    [
      'has a text as messages',
      CHAT,
      { model: 'm', messages: 'hi' },
      400,
      /^json: cannot unmarshal string into Go struct field ChatRequest\.messages of type /,
    ],
    ['keeps alive by a bool', GENERATE, { model: 'm', keep_alive: true }, 400, "Unsupported type: 'bool'"],
    ['keeps alive without a unit', GENERATE, { model: 'm', keep_alive: '300' }, 400, /^time: /],
  ] as const) {
    test(`${path} that ${name} is a ${status}`, async () => {
      const [gotStatus, gotMessage] = await said(path, body);
      assert.equal(gotStatus, status, gotMessage);
      if (typeof message === 'string') assert.equal(gotMessage, message);
      else assert.match(gotMessage, message);
      assert.equal(asked(endpoint).length, 0);
    });
  }

  test('whose messages are no objects is refused by the endpoint, in its own words', async () => {
    const [status, message] = await said(CHAT, { model: 'm', messages: ['hi'] });
    assert.equal(status, 400);
    assert.match(message, /^json: cannot unmarshal string into Go struct field ChatRequest\.messages of type /);
  });

  test('has its error named in a header, with the field at fault for OpenAI', async () => {
    const answer = await router.ask(COMPLETION, { body: { messages: MESSAGES } });
    assert.equal(headerIn(answer, 'x-nomyo-error'), 'model_required');
    assert.equal(headerIn(answer, 'content-type'), 'application/json; charset=utf-8');
    assert.deepEqual(jsonOf(answer).error, {
      message: 'model is required',
      type: 'invalid_request_error',
      param: 'model',
      code: 'model_required',
    });
  });

  test('on an unknown path is a 404, by another method a 405, in the words of the path', async () => {
    for (const [method, path, status, allow] of [
      ['GET', '/nowhere', 404, undefined],
      ['POST', '/v1/nowhere', 404, undefined],
      ['GET', '/api', 404, undefined],
      ['GET', '/v1', 404, undefined],
      ['GET', '/%zz', 404, undefined],
      ['GET', '/api/%00tags', 404, undefined],
      ['GET', '/api/tags/../tags', 404, undefined],
      ['GET', CHAT, 405, 'POST'],
      ['DELETE', '/api/tags', 405, 'GET, HEAD'],
      ['POST', '/', 405, 'GET, HEAD'],
      ['PUT', COMPLETION, 405, 'POST'],
      ['PATCH', '/v1/models/m', 405, 'GET, HEAD'],
      ['HEAD', CHAT, 405, 'POST'],
      ['PROPFIND', '/api/tags', 405, 'GET, HEAD'],
    ] as const) {
      const answer = await router.ask(path, { method });
      assert.equal(answer.status, status, `${method} ${path}`);
      assert.equal(headerIn(answer, 'allow'), allow);
      if (method === 'HEAD') continue;
      const { error } = jsonOf(answer);
      assert.equal(typeof (path.startsWith('/v1') ? error.message : error), 'string');
    }
  });
});

describe('a path', () => {
  test('with slashes or prefixes too many, or without /v1, is the route that it means', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    await using router = await routerBefore([endpoint]);
    for (const path of [
      '//api/tags',
      '/api//tags',
      '/api/tags/',
      '/ollama/api/tags',
      '/api/tags?x=1&y',
      '/ollama//api/tags//',
      '/k/x//api/tags',
    ])
      assert.ok(jsonOf(await router.ask(path)).models, path);
    for (const path of ['/v1/models/', '/models', '/v1/v1/models', '/api/v1/models', '/ollama/v1/models', '//models/'])
      assert.ok(jsonOf(await router.ask(path)).data, path);
    for (const path of [
      '/chat/completions',
      '/v1/v1/chat/completions',
      '//v1//chat/completions/',
      '/api/v1/chat/completions',
    ]) {
      const answer = await router.ask(path, { body: { model: 'm', messages: MESSAGES } });
      assert.equal(answer.status, 200, path);
      assert.equal(asked(endpoint).at(-1)?.target, COMPLETION, 'the endpoint is asked properly');
      assert.equal((await router.ask(path, { body: '{' })).status, 400);
      assert.equal(typeof jsonOf(await router.ask(path, { body: '{' })).error.message, 'string', path);
    }
    for (const path of ['/ollama', '/ollama/', '//', '/?x'])
      assert.equal(textOf(await router.ask(path)), 'Ollama is running', path);
  });
});

test('a content type means nothing', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'openai', models: ['m'] });
  await using router = await routerBefore([endpoint]);
  for (const type of ['application/x-www-form-urlencoded', 'text/plain', '', 'application/json; charset=latin1']) {
    const answer = await router.ask(COMPLETION, {
      headers: { 'Content-Type': type },
      body: { model: 'm', messages: MESSAGES },
    });
    assert.equal(answer.status, 200, type);
  }
});
