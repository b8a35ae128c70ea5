import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import type { Capability, SimulatedEndpointOptions } from '../../src/simulator/simulation.ts';
import { ask } from '../contract/ask.ts';

type Kind = SimulatedEndpointOptions['kind'];

const long = 'x'.repeat(400);
const user = (content: unknown) => [{ role: 'user', content }];

interface Setting {
  readonly version?: string;
  readonly jinja?: boolean;
  readonly capabilities?: readonly Capability[];
  readonly batchTokens?: number;
}

/** What a server of this kind, whose model has room for 50 tokens, says to a request. */
async function said(kind: Kind, path: string, body: object, { capabilities, ...setting }: Setting = {}) {
  await using endpoint = await startSimulatedEndpoint({
    kind,
    models: [{ name: 'm', contextLength: 50, ...(capabilities ? { capabilities } : {}) }],
    embeddings: true,
    has: ['/v1/messages'],
    ...setting,
  });
  return await ask(endpoint.url, path, { body: { model: 'm', ...body } });
}

describe('a prompt longer than the context is refused', () => {
  const requests = {
    '/v1/chat/completions': { messages: user(long) },
    '/v1/completions': { prompt: long },
    '/v1/responses': { input: long },
    '/v1/messages': { max_tokens: 20, messages: user(long) },
  };
  const openai = {
    '/v1/chat/completions':
      "This model's maximum context length is 50 tokens. However, your messages resulted in 105 tokens. Please reduce the length of the messages.",
    '/v1/completions':
      "This model's maximum context length is 50 tokens, however you requested 100 tokens (100 in your prompt; 0 for the completion). Please reduce your prompt; or completion length.",
    '/v1/responses': 'Your input exceeds the context window of this model. Please adjust your input and try again.',
    '/v1/messages': 'prompt is too long: 105 tokens > 50 maximum',
  };
  for (const [path, body] of Object.entries(requests)) {
    const tokens = path === '/v1/completions' ? 100 : 105;

    test(`by llama-server on ${path}`, async () => {
      const answer = await said('llama-server', path, body);
      const message = `request (${tokens} tokens) exceeds the available context size (50 tokens), try increasing it`;
      const error = { code: 400, message, type: 'exceed_context_size_error', n_prompt_tokens: tokens, n_ctx: 50 };
      assert.deepEqual([answer.status, answer.json()], [400, { error }]);
    });

    test(`by vLLM on ${path}`, async () => {
      const { error } = (await said('vllm', path, body)).json();
      const text = `However, you requested ${tokens} tokens in the messages, Please reduce the length of the messages.`;
      assert.equal(error.message, `This model's maximum context length is 50 tokens. ${text}`);
    });

    test(`by OpenAI on ${path}`, async () => {
      const { error } = (await said('openai', path, body)).json();
      assert.equal(error.message, openai[path as keyof typeof openai]);
      const hasCode = path === '/v1/chat/completions' || path === '/v1/responses';
      assert.equal(error.code ?? undefined, hasCode ? 'context_length_exceeded' : undefined);
    });

    test(`by a new Ollama on ${path}, as a text that holds JSON`, async () => {
      const answer = await said('ollama', path, body, { version: '0.32.15' });
      const { error } = JSON.parse(answer.json().error.message);
      assert.deepEqual([answer.status, error.type, error.n_ctx], [400, 'exceed_context_size_error', 50]);
    });

    test(`but not by an old Ollama on ${path}, which cuts it`, async () => {
      assert.equal((await said('ollama', path, body)).status, 200);
    });
  }

  test('by Ollama in its own protocol, where it may not cut', async () => {
    const body = { messages: user(long), truncate: false, stream: false };
    const old = await said('ollama', '/api/chat', body);
    assert.deepEqual([old.status, old.json()], [400, { error: 'the input length exceeds the context length' }]);
    const current = (await said('ollama', '/api/chat', body, { version: '0.32.15' })).json();
    assert.equal(JSON.parse(current.error).error.n_prompt_tokens, 105);
  });

  test('by a new Ollama only where the last message alone is too long', async () => {
    const messages = [{ role: 'user', content: long }, ...user('short')];
    assert.equal((await said('ollama', '/api/chat', { messages }, { version: '0.32.15' })).status, 200);
    const whole = { messages, truncate: false };
    assert.equal((await said('ollama', '/api/chat', whole, { version: '0.32.15' })).status, 400);
  });

  test('by vLLM with the answer that was asked for', async () => {
    const { error } = (await said('vllm', '/v1/chat/completions', { messages: user('x'), max_tokens: 60 })).json();
    assert.match(error.message, /you requested 65 tokens \(5 in the messages, 60 in the completion\)/);
  });

  test('and a text to embed too', async () => {
    const embed = async (kind: Kind, setting: Setting = {}) => {
      const answer = await said(kind, '/v1/embeddings', { input: long }, { capabilities: ['embedding'], ...setting });
      return [answer.status, answer.json().error?.message];
    };
    const size = 'increase the physical batch size';
    assert.deepEqual(await embed('llama-server'), [
      500,
      `input (100 tokens) is too large to process. ${size} (current batch size: 50)`,
    ]);
    assert.deepEqual(await embed('llama-server', { batchTokens: 512 }), [
      400,
      'input (100 tokens) is larger than the max context size (50 tokens). skipping',
    ]);
    assert.deepEqual(await embed('vllm'), [
      400,
      "This model's maximum context length is 50 tokens. However, you requested 100 tokens in the input for embedding generation. Please reduce the length of the input.",
    ]);
    assert.deepEqual((await embed('openai'))[0], 400);
    assert.deepEqual((await embed('ollama'))[0], 200);
  });
});

describe('what the model cannot is refused', () => {
  const parameters = { type: 'object', properties: {} };
  const tools = [{ type: 'function', function: { name: 'f', parameters } }];
  const requests = {
    '/v1/chat/completions': { messages: user('x'), tools },
    '/v1/responses': { input: 'x', tools: [{ type: 'function', name: 'f', parameters }] },
    '/v1/messages': { max_tokens: 20, messages: user('x'), tools: [{ name: 'f', input_schema: parameters }] },
  };
  const refusals: readonly (readonly [Kind, number, string, Setting?])[] = [
    ['ollama', 400, 'registry.ollama.ai/library/m:latest does not support tools'],
    ['llama-server', 500, 'tools param requires --jinja flag', { jinja: false }],
    ['llama-server', 500, 'tools param requires --jinja flag', { version: 'b5000' }],
    ['vllm', 400, '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'],
    ['openai', 400, "Unsupported parameter: 'tools' is not supported with this model."],
  ];
  for (const [kind, status, message, setting] of refusals) {
    for (const [path, body] of Object.entries(requests)) {
      test(`tools by ${kind} ${setting === undefined ? '' : JSON.stringify(setting)} on ${path}`, async () => {
        const answer = await said(kind, path, body, { capabilities: ['completion'], ...setting });
        assert.deepEqual([answer.status, answer.json().error.message], [status, message]);
      });
    }
  }

  test('tools by a llama-server whose template has none are not read', async () => {
    const capabilities = ['completion'] as const;
    for (const [path, body] of Object.entries(requests)) {
      const answer = await said('llama-server', path, body, { capabilities });
      assert.equal(answer.status, 200, answer.text);
      assert.ok(!/tool_calls|tool_use|function_call/.test(answer.text), path);
    }
  });

  const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } };
  const blindness: readonly (readonly [Kind, number, RegExp])[] = [
    [
      'llama-server',
      500,
      /^image input is not supported - hint: if this is unexpected, you may need to provide the mmproj$/,
    ],
    ['vllm', 400, /^m is not a multimodal model$/],
    ['openai', 400, /^Invalid content type\. image_url is only supported by certain models\.$/],
    ['ollama', 500, /^\{"error":\{"code":500,"message":"image input is not supported/],
  ];
  for (const [kind, status, message] of blindness) {
    test(`images by ${kind}`, async () => {
      const setting = kind === 'ollama' ? { version: '0.32.15' } : {};
      const answer = await said(kind, '/v1/chat/completions', { messages: user([image]) }, setting);
      assert.equal(answer.status, status);
      assert.match(answer.json().error.message, message);
    });
  }
});
