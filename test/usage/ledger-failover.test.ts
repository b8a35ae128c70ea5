import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { textOf } from '../support/wire.ts';
import { assertLedger, one, questioner, rowsOf, stageOf, wish } from './ledger-asking.ts';
import { ableModel, type LedgerStage, startLedgerStage } from './ledger-fleet.ts';
import { type Question, SPOKEN, spoken } from './ledger-questions.ts';
import type { Fate } from './ledger-trial.ts';

describe('an answer that another endpoint gives', () => {
  const QUESTION = { model: 'm:latest', words: 'x', length: 6 };

  for (const [what, streams, fault] of [
    ['breaks off before its stream begins', true, { cutAtByte: 'head' }],
    ['breaks off in the first line of its stream', true, { cutAtByte: 20 }],
    ['breaks off in the middle of a whole answer', false, { cutAtByte: 60 }],
    ['is busy', true, { status: 503, body: { error: 'busy' } }],
  ] as const) {
    test(`counts once, and nothing of the one that ${what}`, async () => {
      await using stage = await stageOf('ollama', 'vllm');
      const question = spoken('/api/chat', { ...QUESTION, streams });
      const { view, counted, ended } = await firstFails(stage, question, { name: 'fails', fault });
      assert.deepEqual([view.retries.length, counted], [1, { input: ended.spent.prompt, output: 6 }]);
      await assertLedger(stage, [ended]);
    });
  }

  test('counts where it began, if the client was given some of it: no other one answers then', async () => {
    await using stage = await stageOf('ollama', 'vllm');
    const question = spoken('/api/chat', { ...QUESTION, streams: true });
    const fate = { name: 'fails', fault: { errorAfterTokens: { count: 4, message: 'boom' } } };
    const { view, counted, ended } = await firstFails(stage, question, fate);
    assert.deepEqual([view.retries.length, counted?.output, view.output_tokens_estimated], [0, 4, true]);
    await assertLedger(stage, [ended]);
  });

  test('counts beside what came of a call of tools that was not shown yet, each where it was spent', async () => {
    await using stage = await stageOf('vllm', 'llama');
    // So that the other one, where the model is in memory, is asked first.
    await stage.router.ask('/api/chat', { body: { model: 'm', messages: [], keep_alive: 0 } });
    const question = spoken('/api/chat', { ...QUESTION, model: 'm', streams: true, tools: true });
    const { view, counted, ended } = await firstFails(stage, question, { name: 'fails', fault: { cutAtByte: 900 } });
    assert.deepEqual([view.outcome, view.retries.length, view.output_tokens_estimated], ['ok', 1, true]);
    const rows = await rowsOf(stage);
    const [lost, answered] = stage.places.map(({ endpoint }) => rows[endpoint.url]);
    assert.deepEqual(answered, [ended.spent.prompt, ended.spent.completion, 0]);
    assert.ok(lost && lost[1] > 0 && lost[0] === lost[2], JSON.stringify(rows));
    assert.equal(counted?.output, lost[1] + ended.spent.completion);
  });
});

describe('signs of life', () => {
  for (const path of SPOKEN) {
    test(`are no tokens of ${path}, whether an answer follows or not`, async () => {
      await using stage = await startLedgerStage(['ollama'], () => [ableModel('m')], '20ms');
      const asked = questioner(stage);
      const question = spoken(path, wish(stage, { streams: true }));
      const late = await asked(question, { name: 'comes late', fault: { delayMs: 300 } });
      assert.equal(late.counted?.output, 6);
      assert.match(textOf(late.ended), /: nomyo|"(?:content|response)":""|event: ping/);
      const silent = { name: 'hangs', fault: { hang: true }, until: { bytes: 10 }, by: 'client' } as const;
      assert.equal((await asked(question, silent)).counted, undefined);
      await assertLedger(stage, asked.ended);
    });
  }
});

/** Makes the first endpoint fail: it is asked first, since it speaks the client's protocol or has the model in memory. */
function firstFails(stage: LedgerStage, question: Question, fate: Fate) {
  return one(stage, question, fate, 'q');
}
