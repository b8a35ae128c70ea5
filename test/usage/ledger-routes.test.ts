import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { assertLedger, type Done, questioner, rowsOf, stageOf, sumsOf, wish } from './ledger-asking.ts';
import { diceOf } from './ledger-dice.ts';
import { ableModel, type LedgerStage, PLACE_NAMES, startLedgerStage } from './ledger-fleet.ts';
import { SPOKEN, spoken, still, stillsOf } from './ledger-questions.ts';
import { type Fate, spellingFor } from './ledger-trial.ts';
import { isUncounted, toldOf } from './ledger-truth.ts';

const FINISHES: Fate = { name: 'finishes' };
const AFTER_3 = { fault: { stallAfterTokens: 3 }, until: { pieces: 3 } } as const;
const LEFT: Fate = { name: 'is left', ...AFTER_3, by: 'client' };
const CANCELLED: Fate = { name: 'is cancelled', ...AFTER_3, by: 'cancel' };

for (const name of PLACE_NAMES) {
  describe(`of what is asked of ${name}`, () => {
    let stage: LedgerStage;
    let asked: ReturnType<typeof questioner>;
    before(async () => {
      stage = await stageOf(name);
      asked = questioner(stage);
    });
    after(() => stage[Symbol.asyncDispose]());

    for (const path of SPOKEN) {
      test(`${path} counts in full when it finishes, and what came of it when it is ended after three tokens`, async () => {
        for (const streams of [false, true]) {
          const { view, outcome, counted } = await asked(spoken(path, wish(stage, { streams })), FINISHES);
          assert.deepEqual([outcome, counted?.output, view.output_tokens_estimated], ['ok', 6, false]);
        }
        for (const fate of [LEFT, CANCELLED]) {
          const { view, outcome, counted } = await asked(spoken(path, wish(stage, { streams: true })), fate);
          assert.deepEqual([outcome, counted?.output, view.output_tokens_estimated], ['cancelled', 3, true]);
        }
        await assertLedger(stage, asked.ended);
      });
    }

    test('everything else counts what it read', async () => {
      const [place] = stage.places;
      assert.ok(place);
      for (const sort of stillsOf(place)) {
        const done: Done = await asked(still(sort, spellingFor([place], 'm'), place, diceOf(7)), FINISHES);
        if (isUncounted(done.ended)) assert.ok(done.view.input_tokens_estimated && done.view.input_tokens > 0, sort);
        else assert.deepEqual([done.outcome, done.counted], ['ok', toldOf(done.ended)], sort);
      }
      await assertLedger(stage, asked.ended);
    });
  });
}

test('a prompt that nobody counted is estimated to within a factor of two, by whatever route it came', async () => {
  for (const name of ['ollama', 'ollama-old', 'vllm-old'] as const) {
    await using stage = await stageOf(name);
    const asked = questioner(stage);
    for (const path of SPOKEN) {
      const long = wish(stage, { streams: true, words: 'river '.repeat(300) });
      await asked(spoken(path, { ...long, streams: false }), FINISHES);
      const { view, ended } = await asked(spoken(path, long), LEFT);
      const share = view.input_tokens / ended.spent.prompt;
      assert.ok(view.input_tokens_estimated && share > 0.5 && share < 2, `${path} on ${name}: ${share}`);
    }
  }
});

test('tokens of reasoning count, by whatever route they come', async () => {
  const fate = { name: 'is left', fault: { stallAfterTokens: 6 }, until: { pieces: 6 }, by: 'client' } as const;
  for (const name of ['ollama', 'ollama-new', 'llama', 'vllm'] as const) {
    await using stage = await startLedgerStage([name], () => [ableModel('m', true)]);
    const asked = questioner(stage);
    for (const path of SPOKEN) {
      const question = spoken(path, { ...wish(stage, { streams: true }), thinks: true });
      assert.equal((await asked(question, fate)).counted?.output, 6, `${path} on ${name}`);
      const { counted, ended } = await asked(question, FINISHES);
      assert.equal(counted?.output, ended.spent.completion, `${path} on ${name}`);
    }
    await assertLedger(stage, asked.ended);
  }
});

describe('several prompts of one completion', () => {
  const several = (stage: LedgerStage, streams: boolean) =>
    spoken('/v1/completions', { ...wish(stage, { streams }), prompts: 3 });

  for (const name of ['ollama', 'ollama-old'] as const) {
    test(`asked of ${name} one after the other, count each, and what came of the one that is not finished`, async () => {
      await using stage = await stageOf(name);
      const asked = questioner(stage);
      for (const streams of [false, true]) {
        const { counted, ended } = await asked(several(stage, streams), FINISHES);
        assert.deepEqual(counted, { input: ended.spent.prompt, output: 18 });
      }
      const second = { fault: { skip: 1, stallAfterTokens: 2 }, until: { pieces: 8 }, by: 'client' } as const;
      const { view, counted } = await asked(several(stage, true), { name: 'is left in the second', ...second });
      assert.deepEqual([counted?.output, view.output_tokens_estimated, view.input_tokens_estimated], [8, true, true]);
      const [[input, output, estimated] = [0, 0, 0]] = Object.values(await rowsOf(stage));
      assert.deepEqual([input, output], sumsOf(asked.ended).slice(0, 2));
      assert.ok(estimated > 0 && estimated < view.input_tokens, 'of the first prompt the tokens are known');
    });
  }

  test('count all where a llama-server streams them, and as it says the first alone where it gives them whole', async () => {
    await using stage = await stageOf('llama');
    const asked = questioner(stage);
    const stream = await asked(several(stage, true), FINISHES);
    assert.deepEqual(stream.counted, { input: stream.ended.spent.prompt, output: 18 });
    const whole = await asked(several(stage, false), FINISHES);
    assert.deepEqual(whole.counted, { input: whole.ended.spent.prompt / 3, output: 6 });
    const left = await asked(several(stage, true), LEFT);
    assert.equal(left.counted?.output, 3);
    await assertLedger(stage, asked.ended);
  });
});
