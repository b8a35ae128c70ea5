import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Inability, inabilityIn } from '../../src/protocols/refusals.ts';

const context = (promptTokens?: number, contextTokens?: number): Inability =>
  promptTokens === undefined || contextTokens === undefined
    ? { of: 'context' }
    : { of: 'context', promptTokens, contextTokens };

const LLAMA =
  '{"error":{"code":400,"message":"request (9412 tokens) exceeds the available context size (8192 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":9412,"n_ctx":8192}}';

/** Words of real servers, by who says them. */
const SAID: readonly (readonly [who: string, status: number, message: string, means: Inability | undefined])[] = [
  [
    'llama-server',
    400,
    'request (9412 tokens) exceeds the available context size (8192 tokens), try increasing it',
    context(9412, 8192),
  ],
  ['Ollama, with all that its runner said', 400, LLAMA, context(9412, 8192)],
  [
    'llama-server of embeddings',
    400,
    'input (600 tokens) is larger than the max context size (512 tokens). skipping',
    context(600, 512),
  ],
  [
    'llama-server of a batch',
    500,
    'input (600 tokens) is too large to process. increase the physical batch size (current batch size: 512)',
    context(),
  ],
  [
    'OpenAI',
    400,
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 9412 tokens. Please reduce the length of the messages.",
    context(9412, 8192),
  ],
  [
    'vLLM',
    400,
    "This model's maximum context length is 8192 tokens. However, you requested 9412 tokens in the messages, Please reduce the length of the messages.",
    context(9412, 8192),
  ],
  [
    'vLLM of text',
    400,
    "This model's maximum context length is 8192 tokens, however you requested 9412 tokens (9412 in your prompt; 0 for the completion). Please reduce your prompt; or completion length.",
    context(9412, 8192),
  ],
  [
    'vLLM of 2026',
    400,
    "This model's maximum context length is 8192 tokens. However, your request has 9412 input tokens. Please reduce the length of the input messages.",
    context(9412, 8192),
  ],
  [
    'OpenAI of responses',
    400,
    'Your input exceeds the context window of this model. Please adjust your input and try again.',
    context(),
  ],
  ['a code', 400, 'context_length_exceeded', context()],
  ['Ollama of embeddings', 400, 'the input length exceeds the context length', context()],
  ['Ollama cloud', 400, 'prompt is too long', context()],
  ['Ollama', 400, 'registry.ollama.ai/library/tiny:latest does not support tools', { of: 'tools' }],
  ['llama-server', 500, 'tools param requires --jinja flag', { of: 'tools' }],
  [
    'vLLM',
    400,
    '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
    { of: 'tools' },
  ],
  ['OpenAI', 400, 'tools is not supported in this model.', { of: 'tools' }],
  ['OpenAI', 400, "Unsupported parameter: 'tools' is not supported with this model.", { of: 'tools' }],
  [
    'llama-server',
    500,
    'image input is not supported - hint: if this is unexpected, you may need to provide the mmproj',
    { of: 'images' },
  ],
  ['vLLM', 400, 'org/text is not a multimodal model', { of: 'images' }],
  [
    'vLLM of prompt and answer together',
    400,
    "This model's maximum context length is 400 tokens. However, you requested 462 tokens (167 in the messages, 295 in the completion). Please reduce the length of the messages or completion.",
    { of: 'context', promptTokens: 167, contextTokens: 105 },
  ],
  [
    'vLLM of an answer that alone is too long',
    400,
    "This model's maximum context length is 400 tokens. However, you requested 1067 tokens (67 in the messages, 1000 in the completion). Please reduce the length of the messages or completion.",
    undefined,
  ],
  [
    'Anthropic',
    400,
    'prompt is too long: 622 tokens > 600 maximum',
    { of: 'context', promptTokens: 622, contextTokens: 600 },
  ],
  ['OpenAI', 400, 'Invalid content type. image_url is only supported by certain models.', { of: 'images' }],
  ['Ollama', 400, '"tiny" does not support thinking', { of: 'thinking' }],
  ['Ollama', 404, '404 page not found', { of: 'route' }],
  ['Ollama', 405, '405 method not allowed', { of: 'route' }],
  ['llama-server', 404, 'File Not Found', { of: 'route' }],
  ['FastAPI', 404, '{"detail":"Not Found"}', { of: 'route' }],
  ['FastAPI', 405, '{"detail":"Method Not Allowed"}', { of: 'route' }],
  ['somebody', 501, 'not implemented', { of: 'route' }],
  ['Ollama', 404, "model 'x' not found", { of: 'model' }],
  ['Ollama', 404, 'model "x" not found, try pulling it first', { of: 'model' }],
  ['llama-server', 400, "model 'x' not found", { of: 'model' }],
  ['llama-server', 400, 'model is not loaded', { of: 'model' }],
  ['llama-server', 500, 'model name=x failed to load', { of: 'model' }],
  ['vLLM', 404, 'The model `x` does not exist.', undefined],
  ['OpenAI', 404, 'The model `x` does not exist or you do not have access to it.', undefined],
  [
    'Ollama of a model that cannot embed',
    501,
    'This server does not support embeddings. Start it with `--embeddings`',
    undefined,
  ],
  ['llama-server of ranking', 501, 'This server does not support reranking. Start it with `--reranking`', undefined],
  ['OpenAI of an answer before', 404, "Previous response with id 'resp_1' not found.", undefined],
  ['vLLM of an answer before', 404, "Response with id 'resp_1' not found.", undefined],
  [
    'OpenAI of an item',
    404,
    "Item with id 'rs_1' not found. Items are not persisted when `store` is set to false.",
    undefined,
  ],
  ['anybody', 400, 'bad request', undefined],
  ['anybody', 500, '404 page not found', undefined],
  ['Ollama', 503, 'server busy, please try again.  maximum pending requests exceeded', undefined],
];

describe('what the words of a refusal mean', () => {
  for (const [who, status, message, means] of SAID)
    test(`${who}, ${status}: ${message.slice(0, 90)} - ${means?.of ?? 'something else'}`, () =>
      assert.deepEqual(inabilityIn(status, message), means));
});

test('no numbers are made of what holds none, and nothing takes for ever', () => {
  assert.deepEqual(inabilityIn(400, 'maximum context length is 0 tokens, requested 0 tokens'), context());
  const long = `maximum context length is 1 tokens ${'requested '.repeat(100_000)}`;
  assert.deepEqual(inabilityIn(400, long), context());
});
