import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorText, isErrorOf } from '../../src/protocols/error-text.ts';

const overflow = 'request (9412 tokens) exceeds the available context size (8192 tokens), try increasing it';

for (const [body, said, ollama, openai] of [
  ['{"error":"model \'x\' not found"}', "model 'x' not found", true, false],
  ['{"StatusCode":404,"Status":"404 Not Found","error":"e"}', 'e', true, false],
  [`{"error":{"code":400,"message":"${overflow}","type":"exceed_context_size_error"}}`, overflow, false, true],
  ['{"error":{"message":"m","type":"BadRequestError","param":null,"code":400}}', 'm', false, true],
  ['{"object":"error","message":"old vLLM","code":400}', 'old vLLM', false, false],
  ['{"detail":"Not Found"}', 'Not Found', false, false],
  ['{"error":null}', '{"error":null}', false, false],
  ['404 page not found\n', '404 page not found', false, false],
  ['', '', false, false],
  ['[1]', '[1]', false, false],
] as const) {
  test(`2.10 ${JSON.stringify(body)} says ${JSON.stringify(said)}`, () => {
    const bytes = Buffer.from(body);
    assert.equal(errorText(bytes), said);
    assert.deepEqual([isErrorOf('ollama', bytes), isErrorOf('openai', bytes)], [ollama, openai]);
  });
}
