import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startFleet } from '../../src/simulator/fleet.ts';
import { type RunningRouter, routerBefore } from '../support/router.ts';
import { headerIn, type Json, jsonOf, textOf, type WireAnswer } from '../support/wire.ts';

const HEADERS = {
  'User-Agent': 'ollama/0.33.0 (amd64 linux) Go/go1.26.0',
  'Content-Type': 'application/json',
  Accept: 'application/x-ndjson',
};
const NOTHING = { system: '', template: '', verbose: false, options: null };

function last(answer: WireAnswer): Json {
  return JSON.parse(textOf(answer).trim().split('\n').at(-1) ?? '');
}

/** One call of the `ollama` command as it goes over the wire, and what must hold of the answer. */
type Call = readonly [method: string, path: string, body: object | undefined, check: (answer: WireAnswer) => void];

const ok = (answer: WireAnswer) => assert.equal(answer.status, 200, textOf(answer));
const show = (body: object): Call => [
  'POST',
  '/api/show',
  body,
  (answer) => assert.ok(Array.isArray(jsonOf(answer).capabilities)),
];
const heartbeat: Call = ['HEAD', '/', undefined, ok];

const COMMANDS: Readonly<Record<string, readonly Call[]>> = {
  '-v': [['GET', '/api/version', undefined, (answer) => assert.match(jsonOf(answer).version, /^\d+\.\d+\.\d+$/)]],
  list: [['GET', '/api/tags', undefined, (answer) => assert.equal(jsonOf(answer).models[0].digest.length, 64)]],
  ps: [['GET', '/api/ps', undefined, (answer) => assert.ok(Array.isArray(jsonOf(answer).models))]],
  show: [show({ model: '', ...NOTHING, name: 'tiny' })],
  'run, a session': [
    show({ model: 'tiny', ...NOTHING, name: '' }),
    [
      'POST',
      '/api/generate',
      { model: 'tiny', prompt: '', suffix: '', system: '', template: '', options: null },
      (answer) => assert.equal(last(answer).done_reason, 'load'),
    ],
    [
      'POST',
      '/api/chat',
      { model: 'tiny', messages: [{ role: 'user', content: 'hi' }], options: {}, keep_alive: '5m0s' },
      streamed,
    ],
    [
      'POST',
      '/api/chat',
      { model: 'tiny', messages: [{ role: 'user', content: 'hi' }], options: {}, keep_alive: -1 },
      streamed,
    ],
  ],
  'run with a text': [
    show({ model: '', ...NOTHING, name: 'tiny' }),
    [
      'POST',
      '/api/generate',
      { model: 'tiny', prompt: 'text', suffix: '', system: '', template: '', options: null },
      streamed,
    ],
  ],
  'run with an embedding model': [
    [
      'POST',
      '/api/embed',
      { model: 'embedder', input: 'x', options: null, truncate: true, dimensions: 4 },
      (answer) => assert.equal(jsonOf(answer).embeddings[0].length, 4),
    ],
  ],
  'run with an unknown model': [
    [
      'POST',
      '/api/show',
      { model: 'nobody', ...NOTHING, name: '' },
      (answer) => assert.deepEqual([answer.status, jsonOf(answer).error], [404, "model 'nobody' not found"]),
    ],
  ],
  stop: [
    show({ model: '', ...NOTHING, name: 'tiny' }),
    [
      'POST',
      '/api/generate',
      { model: 'tiny', prompt: '', suffix: '', system: '', template: '', options: null, keep_alive: '0s' },
      (answer) => assert.equal(last(answer).done_reason, 'unload'),
    ],
  ],
  'stop of an unknown model': [
    [
      'POST',
      '/api/generate',
      { model: 'nobody', prompt: '', options: null, keep_alive: '0s' },
      (answer) => assert.match(jsonOf(answer).error, /not found/),
    ],
  ],
  signin: [['POST', '/api/me', undefined, (answer) => assert.match(jsonOf(answer).signin_url, /^https:/)]],
  signout: [['POST', '/api/signout', undefined, (answer) => assert.equal(textOf(answer), 'null')]],
  'the menu': [
    ['GET', '/api/tags', undefined, ok],
    ['GET', '/api/status', undefined, (answer) => assert.equal(jsonOf(answer).cloud.disabled, false)],
    [
      'GET',
      '/api/experimental/model-recommendations',
      undefined,
      (answer) => assert.ok(jsonOf(answer).recommendations.length > 0),
    ],
    ['GET', '/api/ps', undefined, ok],
  ],
};

function streamed(answer: WireAnswer): void {
  assert.equal(headerIn(answer, 'content-type'), 'application/x-ndjson');
  assert.equal(last(answer).done, true);
}

async function call(router: RunningRouter, prefix: string, [method, path, body, check]: Call): Promise<void> {
  check(await router.ask(`${prefix}${path}`, { method, headers: HEADERS, ...(body !== undefined && { body }) }));
}

describe('the calls of the ollama command (ux 9.1)', () => {
  for (const [command, calls] of Object.entries(COMMANDS)) {
    test(`ollama ${command}, with a key in the path too`, async () => {
      await using fleet = await startFleet({
        a: { kind: 'ollama', models: ['tiny', { name: 'embedder', capabilities: ['embedding'] }] },
        b: { kind: 'ollama', models: ['tiny'] },
      });
      const { a, b } = fleet.endpoints;
      await using router = await routerBefore([a, b], { router_api_key: 'secret' });
      for (const each of [heartbeat, ...calls]) await call(router, '/k/secret', each);
    });
  }
});
