import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ask } from '../../../src/domain/ask.ts';
import type { JsonObject } from '../../../src/domain/json.ts';
import { RouterError } from '../../../src/errors.ts';
import { encodeNative } from '../../../src/protocols/ollama/native-request.ts';
import { completionAsk } from '../../../src/protocols/openai/completion-ask.ts';
import { completions } from '../../../src/protocols/openai/completions.ts';
import { decodeBody } from '../../../src/simulator/ollama/go-decode.ts';
import { generateRequest } from '../../../src/simulator/ollama/requests.ts';

function askOf(body: object): Ask {
  return completionAsk(completions.decode(Buffer.from(JSON.stringify({ model: 'm', ...body }))));
}

function nativeOf(body: object): JsonObject {
  const { body: sent } = encodeNative(askOf(body), 'm');
  decodeBody(sent, generateRequest);
  return JSON.parse(sent);
}

function refused(body: object, code: string, param: string): void {
  assert.throws(
    () => askOf(body),
    (error) => error instanceof RouterError && error.code === code && error.details.param === param,
    JSON.stringify(body),
  );
}

test('4.7 a prompt is generated from, without a limit of tokens', () => {
  assert.deepEqual(nativeOf({ prompt: 'p' }), {
    model: 'm',
    stream: false,
    options: { temperature: 1, top_p: 1 },
    prompt: 'p',
  });
});

test('4.7 suffix and options', () => {
  const sent = nativeOf({ prompt: 'p', suffix: 's', stream: true, max_tokens: 3, stop: 'x', num_ctx: 9, seed: 1 });
  const { suffix, stream, options } = sent;
  assert.deepEqual(
    { suffix, stream, options },
    {
      suffix: 's',
      stream: true,
      options: { temperature: 1, top_p: 1, num_predict: 3, num_ctx: 9, seed: 1, stop: ['x'] },
    },
  );
  assert.equal(askOf({ prompt: 'p', suffix: '' }).kind, 'completion');
});

test('2.3 one prompt in a list is that prompt; several, and tokens, are refused by name', () => {
  assert.equal(askOf({ prompt: ['é"'] }).prompt, 'é"');
  assert.equal(askOf({}).prompt, '');
  for (const prompt of [['a', 'b'], [], [1], [[1, 2]], [null]]) refused({ prompt }, 'unsupported', 'prompt');
  refused({ prompt: 5 }, 'invalid_parameter', 'prompt');
});

test('2.3 log probabilities are a number of alternatives', () => {
  const asked = [undefined, null, 0, 5].map((logprobs) => askOf({ prompt: 'p', logprobs }).topLogprobs);
  assert.deepEqual(asked, [undefined, undefined, 0, 5]);
  refused({ logprobs: 21 }, 'invalid_parameter', 'logprobs');
});

for (const [field, value] of [
  ['n', 2],
  ['best_of', 2],
  ['echo', true],
  ['logit_bias', { 5: 1 }],
  ['max_completion_tokens', 5],
  ['response_format', { type: 'json_object' }],
  ['messages', []],
] as const) {
  test(`4.7 ${field}: ${JSON.stringify(value)} is refused by its name`, () => {
    refused({ prompt: 'p', [field]: value }, 'unsupported', field);
  });
}

test('4.7 what is inert is dropped by its name, what says nothing is not mentioned', () => {
  const { dropped } = askOf({ prompt: 'p', n: 1, best_of: 1, echo: false, logit_bias: null, user: 'u', nomyo: {} });
  assert.deepEqual(dropped, ['user']);
});
