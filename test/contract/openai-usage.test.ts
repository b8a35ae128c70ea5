import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EndpointKind } from '../../src/domain/endpoint.ts';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { onlyAsked } from '../support/records.ts';
import { routerBefore } from '../support/router.ts';
import { json, sse } from '../support/streams.ts';
import { textOf } from '../support/wire.ts';

const ROUTES = { '/v1/chat/completions': '"messages":[]', '/v1/completions': '"prompt":"x"' } as const;
const KINDS = ['ollama', 'llama-server', 'vllm', 'openai'] as const;

const FINISH = '{"id":"c","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}';
const USAGE = '{"id":"c","model":"m","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}';
const DONE = 'data: [DONE]\n\n';

function events(...records: readonly string[]): string {
  return `${records.map((record) => `data: ${record}\n\n`).join('')}${DONE}`;
}

/** What the endpoint read, what the client got, and the tokens that were counted. */
async function through(kind: EndpointKind, path: string, body: string, says: ReturnType<typeof sse>) {
  await using endpoint = await startSimulatedEndpoint({ kind, models: ['m'] });
  await using router = await routerBefore([endpoint]);
  endpoint.faults.add({ on: { method: 'POST' }, ...says });
  const answer = await router.ask(path, { body });
  const counted = JSON.parse(textOf(await router.ask('/api/usage'))).token_usage_counts[endpoint.url];
  return { read: onlyAsked(endpoint).body.toString(), got: textOf(answer), counted: Object.values(counted ?? {}) };
}

describe('2.2, 2.3 usage that the client did not ask for is asked for, counted and hidden', () => {
  const OPTIONS: readonly [given: string, sent: string][] = [
    ['', ',"stream_options":{"include_usage":true}'],
    [',"stream_options":null', ',"stream_options":{"include_usage":true}'],
    [',"stream_options":{}', ',"stream_options":{"include_usage":true}'],
    [',"stream_options":{ }', ',"stream_options":{"include_usage":true }'],
    [',"stream_options":{"include_usage":null}', ',"stream_options":{"include_usage":true}'],
    [',"stream_options":{"include_usage":false}', ',"stream_options":{"include_usage":true}'],
    [
      ',"stream_options":{"include_obfuscation":false}',
      ',"stream_options":{"include_obfuscation":false,"include_usage":true}',
    ],
    [
      ',"stream_options":{"include_usage":true},"stream_options":{"x":1}',
      ',"stream_options":{"include_usage":true},"stream_options":{"x":1,"include_usage":true}',
    ],
  ];
  for (const [path, content] of Object.entries(ROUTES)) {
    for (const [given, sent] of OPTIONS) {
      test(`${path} with ${given || 'no options'}`, async () => {
        for (const kind of ['ollama', 'vllm', 'openai'] as const) {
          const body = (options: string) => `{"model":"m",${content},"stream":true${options}}`;
          const { read, got, counted } = await through(kind, path, body(given), sse(events(FINISH, USAGE)));
          assert.equal(read, body(sent), kind);
          assert.deepEqual([got, counted], [events(FINISH), [7]], kind);
        }
      });
    }
  }

  const HIDDEN: readonly [said: string, left: string][] = [
    [FINISH.replace('{', '{"usage":null,'), FINISH],
    [FINISH.replace('{', '{ "usage" : null , '), FINISH.replace('{', '{ ')],
    [FINISH.replace(/\}$/, ',"usage":null}'), FINISH],
    [FINISH.replace(/\}$/, ',"usage":{"prompt_tokens":1,"completion_tokens":1}}'), FINISH],
  ];
  for (const [said, left] of HIDDEN) {
    test(`it is cut out of ${said}`, async () => {
      const body = '{"model":"m","messages":[],"stream":true}';
      const { got } = await through('openai', '/v1/chat/completions', body, sse(events(said)));
      assert.equal(got, events(left));
    });
  }

  test('a record without choices that says something else is not the one that was asked for', async () => {
    const filtered = '{"choices":[],"prompt_filter_results":[{"prompt_index":0}]}';
    const said = events(filtered.replace('}]}', '}],"usage":null}'), FINISH, USAGE);
    const body = '{"model":"m","messages":[],"stream":true}';
    const { got } = await through('openai', '/v1/chat/completions', body, sse(said));
    assert.equal(got, events(filtered, FINISH));
  });
});

describe('2.2 usage that the client asked for is its own', () => {
  for (const kind of KINDS) {
    test(`${kind} is sent the request as it came, and every record comes back`, async () => {
      const records = events(FINISH.replace(/\}$/, ',"usage":null}'), USAGE);
      for (const [path, content] of Object.entries(ROUTES)) {
        const body = `{"stream_options":{ "include_usage" : true},"model":"m",${content},"stream":true}`;
        const { read, got, counted } = await through(kind, path, body, sse(records));
        assert.deepEqual([read, got, counted], [body, records, [7]]);
      }
    });
  }
});

describe('2.2 a request that is no stream never gets stream_options, and its answer keeps what it has', () => {
  const WHOLE = USAGE.replace('"id":"c"', '"id": "c" , "object":"chat.completion"');
  for (const stream of ['', ',"stream":false', ',"stream":null', ',"stream":false,"stream_options":null']) {
    test(stream === '' ? 'no word of a stream' : stream, async () => {
      for (const kind of KINDS) {
        for (const [path, content] of Object.entries(ROUTES)) {
          const body = `{"model":"m",${content}${stream}}`;
          const { read, got, counted } = await through(kind, path, body, json(WHOLE));
          assert.deepEqual([read, got, counted], [body, WHOLE, [7]], `${kind} ${path}`);
        }
      }
    });
  }
});

test('2.2, 2.11 llama-server counts unasked: it is sent the request as it came', async () => {
  const body = '{"model":"m","messages":[],"stream":true,"stream_options":{"include_usage":false}}';
  const said = events(FINISH.replace(/\}$/, ',"timings":{"cache_n":1,"prompt_n":2,"predicted_n":4}}'));
  const { read, got, counted } = await through('llama-server', '/v1/chat/completions', body, sse(said));
  assert.deepEqual([read, got, counted], [body, said, [7]]);
});
