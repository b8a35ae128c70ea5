import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChoiceTally } from '../../../src/protocols/openai/choice-tally.ts';

const usage = (promptTokens: number, completionTokens: number) => ({ promptTokens, completionTokens });
const counts = (prompt: number, completion: number) => ({
  usage: { prompt_tokens: prompt, completion_tokens: completion },
});
const timings = (prompt: number, completion: number) => ({
  timings: { cache_n: 1, prompt_n: prompt - 1, prompt_ms: 1.5, predicted_n: completion, predicted_ms: 2 },
});
const choice = (index: number, finish_reason: string | null = null) => ({ choices: [{ index, finish_reason }] });
const TOTAL = { choices: [] };

type Step = readonly [record: object, expected: ReturnType<typeof usage> | undefined];

for (const [name, [answers, prompts], steps] of [
  [
    'one total behind the finish',
    [1, 1],
    [
      [choice(0, 'stop'), undefined],
      [{ ...TOTAL, ...counts(3, 5) }, usage(3, 5)],
    ],
  ],
  ['counts in the record that finishes', [1, 1], [[{ ...choice(0, 'stop'), ...counts(3, 5) }, usage(3, 5)]]],
  ["llama-server's timings there", [1, 1], [[{ ...choice(0, 'length'), ...timings(54, 2) }, usage(54, 2)]]],
  [
    'counts in every record, of which only the last is final',
    [1, 1],
    [
      [{ ...choice(0), ...timings(54, 1) }, undefined],
      [{ ...choice(0), ...timings(54, 2) }, undefined],
      [{ ...choice(0, 'stop'), ...timings(54, 2) }, usage(54, 2)],
    ],
  ],
  [
    "the zeros in every record of Ollama's completions",
    [1, 1],
    [
      [{ ...choice(0), ...counts(0, 0) }, undefined],
      [{ ...choice(0, 'length'), ...counts(0, 0) }, undefined],
      [{ ...TOTAL, ...counts(7, 2) }, usage(7, 2)],
    ],
  ],
  [
    'several prompts of llama-server: each in the record that finishes its answer',
    [2, 2],
    [
      [{ ...choice(1, 'length'), ...counts(9, 2), ...timings(9, 2) }, undefined],
      [{ ...choice(0, 'length'), ...counts(6, 3), ...timings(6, 3) }, usage(15, 5)],
    ],
  ],
  [
    'several choices of llama-server: each told with the prompt that they share',
    [2, 1],
    [
      [{ ...choice(1, 'length'), ...timings(54, 2) }, undefined],
      [{ ...choice(0, 'length'), ...timings(54, 3) }, usage(54, 5)],
    ],
  ],
  [
    'the same with a total of each, asked for',
    [2, 1],
    [
      [choice(1, 'length'), undefined],
      [{ ...TOTAL, ...counts(54, 2), ...timings(54, 2) }, undefined],
      [choice(0, 'length'), undefined],
      [{ ...TOTAL, ...counts(54, 3), ...timings(54, 3) }, usage(54, 5)],
    ],
  ],
  [
    'several choices, told of together',
    [3, 1],
    [
      [choice(0, 'stop'), undefined],
      [{ ...TOTAL, ...counts(54, 9) }, usage(54, 9)],
    ],
  ],
  [
    'two choices of which one is told of',
    [2, 1],
    [
      [choice(0, 'stop'), undefined],
      [{ ...choice(1, 'stop'), ...timings(54, 3) }, undefined],
    ],
  ],
] as const satisfies readonly (readonly [string, readonly [number, number], readonly Step[]])[]) {
  test(`tokens of a stream: ${name}`, () => {
    const tally = new ChoiceTally(answers, prompts);
    for (const [record, expected] of steps) {
      tally.note(JSON.parse(JSON.stringify(record)));
      assert.deepEqual(tally.usage(false), expected, JSON.stringify(record));
    }
  });
}

test('prompt tokens are known as soon as they are told, but for several prompts', () => {
  for (const [prompts, expected] of [
    [1, 54],
    [2, undefined],
  ] as const) {
    const tally = new ChoiceTally(prompts, prompts);
    assert.equal(tally.promptTokens, undefined);
    tally.note({ ...choice(0), ...timings(54, 1) });
    assert.deepEqual([tally.promptTokens, tally.usage(false)], [expected, undefined]);
  }
  const zero = new ChoiceTally(1, 1);
  zero.note({ ...choice(0), ...counts(0, 0) });
  assert.equal(zero.promptTokens, undefined);
});

test('what was told counts where the stream is over, whatever it says of choices', () => {
  const tally = new ChoiceTally(1, 1);
  tally.note({ ...choice(0), ...counts(3, 5) });
  assert.deepEqual([tally.usage(false), tally.usage(true)], [undefined, usage(3, 5)]);
  const together = new ChoiceTally(2, 1);
  together.note({ ...TOTAL, ...counts(3, 5), ...timings(3, 5) });
  assert.deepEqual([together.usage(false), together.usage(true)], [undefined, usage(3, 5)]);
});

test('times are those told last', () => {
  const tally = new ChoiceTally(1, 1);
  assert.equal(tally.timings, undefined);
  tally.note({ ...choice(0, 'stop'), ...timings(54, 2) });
  tally.note({ ...TOTAL, ...counts(54, 2) });
  assert.deepEqual(tally.timings, { promptMs: 1.5, completionMs: 2 });
});

test('an endpoint that goes on telling takes no more memory', () => {
  const [shares, totals] = [new ChoiceTally(1, 1), new ChoiceTally(1e9, 1)];
  for (let index = 0; index < 5_000; index++) {
    shares.note({ ...choice(index), ...counts(3, 5) });
    totals.note({ ...TOTAL, ...counts(3, 5), ...timings(3, 5) });
  }
  for (const tally of [shares, totals]) assert.ok((tally.usage(true)?.completionTokens ?? 0) <= 5 * 1024);
});
