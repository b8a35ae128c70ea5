import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EndpointKind } from '../../src/domain/endpoint.ts';
import { messages } from '../../src/protocols/anthropic/operations.ts';
import type { AnswerPipe, Operation } from '../../src/protocols/call.ts';
import { ENDPOINT_CODECS } from '../../src/protocols/endpoint-codecs.ts';
import { splice } from '../../src/protocols/json/splice.ts';
import { chat, generate } from '../../src/protocols/ollama/operations.ts';
import { completions } from '../../src/protocols/openai/completions.ts';
import { chatCompletions } from '../../src/protocols/openai/operations.ts';
import { responses } from '../../src/protocols/responses/operations.ts';
import { TranslatedPipe } from '../../src/protocols/translated-pipe.ts';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import type { SimulatedEndpoint } from '../../src/simulator/simulation.ts';
import { ask } from '../contract/ask.ts';
import { endpointOf } from '../support/listings.ts';
import { tellingPlaces } from '../support/streams.ts';
import { endsOfSaying } from './said-records.ts';

const REASONING = 4;
const NAMES = { client: 'm', upstream: 'm' };
const SCHEMA = { type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer' } } };
const FUNCTION = { name: 'weather', parameters: SCHEMA };
const user = (content: string) => [{ role: 'user', content }];

/** A question of each protocol: six tokens of text after some of reasoning, or the call of a tool. */
const QUESTIONS: readonly [operation: Operation, text: object, tools?: object][] = [
  [
    chat,
    { messages: user('6 tokens') },
    { messages: user('call weather'), tools: [{ type: 'function', function: FUNCTION }] },
  ],
  [generate, { prompt: '6 tokens' }],
  [completions, { prompt: '6 tokens' }],
  [
    chatCompletions,
    { messages: user('6 tokens') },
    { messages: user('call weather'), tools: [{ type: 'function', function: FUNCTION }] },
  ],
  [
    responses,
    { input: '6 tokens' },
    { input: 'call weather', tools: [{ type: 'function', ...FUNCTION, strict: false }] },
  ],
  [
    messages,
    { max_tokens: 2048, thinking: { type: 'enabled', budget_tokens: 1024 }, messages: user('6 tokens') },
    { max_tokens: 99, messages: user('call weather'), tools: [{ name: 'weather', input_schema: SCHEMA }] },
  ],
];

const SERVERS: readonly { readonly kind: EndpointKind; readonly version?: string }[] = [
  { kind: 'ollama' },
  { kind: 'ollama', version: '0.33.0' },
  { kind: 'llama-server' },
  { kind: 'vllm' },
  { kind: 'openai' },
];

for (const { kind, version } of SERVERS) {
  describe(`answers of ${kind} ${version ?? ''}`, () => {
    for (const [operation, text, tools] of QUESTIONS) {
      if (!operation.native.includes(kind)) continue;
      for (const [what, question] of Object.entries({ text, tools })) {
        if (question === undefined) continue;
        test(`${operation.path}: at every byte of ${what} the pieces are the tokens that came`, async () => {
          await using endpoint = await simulated(kind, version);
          const answer = await answered(endpoint, operation, question);
          const { pieces, usage } = atEveryByte(answer.pipe, answer.stream);
          assert.equal(pieces, told(kind, operation, what, answer.tokens), `${answer.tokens} tokens`);
          assert.equal(usage?.completionTokens, answer.tokens);
          assert.equal(usage?.promptTokens, endpoint.totals('m').prompt);
        });
      }
    }
  });
}

for (const [kind, question] of [
  ['llama-server', { prompt: ['3 tokens', '5 tokens of a longer prompt'] }],
  ['vllm', { prompt: ['3 tokens', '5 tokens of a longer prompt'] }],
] as const) {
  test(`several prompts that ${kind} answers at once are counted together`, async () => {
    await using endpoint = await simulated(kind);
    const answer = await answered(endpoint, completions, question);
    const { pieces, usage, promptTokens } = atEveryByte(answer.pipe, answer.stream);
    assert.deepEqual([pieces, usage?.completionTokens, promptTokens], [8, 8, undefined]);
    // The simulated vLLM tells the first prompt's tokens for all.
    if (kind === 'llama-server') assert.equal(usage?.promptTokens, endpoint.totals('m').prompt);
  });
}

test('several choices of one prompt are counted together', async () => {
  for (const kind of ['vllm', 'openai'] as const) {
    await using endpoint = await simulated(kind);
    const { pipe, stream, tokens } = await answered(endpoint, chatCompletions, { messages: user('6 tokens'), n: 3 });
    const { pieces, usage } = atEveryByte(pipe, stream);
    assert.deepEqual([pieces, tokens], [kind === 'openai' ? 18 : 30, 30]);
    assert.deepEqual(usage, { promptTokens: endpoint.totals('m').prompt / 3, completionTokens: 30 });
  }
});

/** How many pieces this many tokens come in: Ollama tells a call when it is whole, OpenAI keeps its reasoning to itself. */
function told(kind: EndpointKind, { path }: Operation, what: string, tokens: number): number {
  if (kind === 'ollama' && what === 'tools')
    return REASONING + (path === '/v1/responses' || path === '/v1/messages' ? 2 : 1);
  return kind === 'openai' && /chat|responses/.test(path) ? tokens - REASONING : tokens;
}

for (const kind of ['ollama', 'llama-server', 'vllm'] as const) {
  const [operation, text, tools] = QUESTIONS[kind === 'ollama' ? 0 : 3] ?? [];
  for (const question of [text, tools]) {
    test(`a translated answer of ${kind} to ${JSON.stringify(question)} has as many pieces`, async () => {
      assert.ok(operation && question && messages.translation?.kind === 'answer');
      const { ask: asking, encoder } = messages.translation;
      await using endpoint = await simulated(kind);
      const { stream, type, tokens } = await answered(endpoint, operation, question);
      const call = messages.decode(
        Buffer.from(`{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user"}]}`),
      );
      const pipe = () =>
        new TranslatedPipe(
          ENDPOINT_CODECS[kind].decoder(asking(call)),
          encoder(call, () => 0),
          type,
        );
      const { pieces, usage } = atEveryByte(pipe, stream);
      assert.equal(pieces, kind === 'ollama' && question === tools ? REASONING + 1 : tokens);
      assert.deepEqual(usage, { promptTokens: endpoint.totals('m').prompt, completionTokens: tokens });
    });
  }
}

test('reasoning that completions of Ollama do not show is counted, an error that they swallow is not', async () => {
  await using endpoint = await simulated('ollama');
  const whole = await answered(endpoint, completions, { prompt: '6 tokens' });
  assert.equal(whole.stream.toString().match(/"text":""/g)?.length, REASONING + 1);
  assert.equal(atEveryByte(whole.pipe, whole.stream).pieces, REASONING + 6);
  endpoint.faults.add({ errorAfterTokens: { count: 5, message: 'boom' } });
  const broken = await answered(endpoint, completions, { prompt: '6 tokens' });
  const pipe = broken.pipe();
  pipe.push(broken.stream);
  assert.deepEqual([pipe.pieces, pipe.usage], [5, undefined]);
});

function simulated(kind: EndpointKind, version?: string): Promise<SimulatedEndpoint> {
  const models = [
    { name: 'm', capabilities: ['completion', 'tools', 'thinking'], reasoningTokens: REASONING },
  ] as const;
  return startSimulatedEndpoint({ kind, models, has: ['/v1/messages'], ...(version !== undefined && { version }) });
}

/** What the endpoint answers to this as the router would send it, and the pipe that the router would let it through. */
async function answered(endpoint: SimulatedEndpoint, operation: Operation, question: object) {
  const call = operation.decode(Buffer.from(JSON.stringify({ model: 'm', stream: true, ...question })));
  const at = endpointOf(endpoint.kind);
  const body = splice(call.body, operation.edits(call, at)).toString();
  const answer = await ask(endpoint.url, operation.path, { body });
  assert.equal(answer.status, 200, answer.text);
  const type = answer.headers['content-type'] ?? '';
  const tokens = endpoint.requests.at(-1)?.tokens ?? 0;
  return { stream: Buffer.from(answer.text), type, tokens, pipe: () => operation.verbatim(call, at, type, NAMES) };
}

/**
 * Asserts that at every byte the pipe has counted the records that are whole and say something, and has told nothing of
 * tokens that turns out wrong; and that one which gets all at once knows the same. Returns the pipe at the end.
 */
function atEveryByte(pipe: () => AnswerPipe, stream: Buffer): AnswerPipe {
  const ends = endsOfSaying(stream);
  const telling = new Set(tellingPlaces(stream)).add(stream.length);
  const slow = pipe();
  const early: AnswerPipe['usage'][] = [];
  const prompts = new Set<number | undefined>();
  for (let at = 1; at <= stream.length; at++) {
    const expected = ends.filter((end) => end <= at).length;
    slow.push(Buffer.from(stream.subarray(at - 1, at)));
    assert.equal(slow.pieces, expected, `after ${at} bytes`);
    if (telling.has(at)) {
      const quick = pipe();
      quick.push(Buffer.from(stream.subarray(0, at)));
      assert.equal(quick.pieces, expected, `${at} bytes at once`);
      assert.deepEqual(slow.usage, quick.usage);
    }
    early.push(slow.usage);
    prompts.add(slow.promptTokens);
  }
  for (const usage of early) if (usage !== undefined) assert.deepEqual(usage, slow.usage);
  for (const tokens of prompts) if (tokens !== undefined) assert.equal(tokens, slow.usage?.promptTokens);
  return slow;
}
