import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Json, jsonOf } from '../support/wire.ts';
import { diceOf } from './ledger-dice.ts';
import { pairsOf, trialOf, type Worker } from './ledger-draw.ts';
import { ableModel, type LedgerStage, PLACE_NAMES, startLedgerStage } from './ledger-fleet.ts';
import { SPOKEN, spoken, still } from './ledger-questions.ts';
import { attempt, type Ended, openAsker, spellingFor } from './ledger-trial.ts';
import { assertTrue, isSeries } from './ledger-truth.ts';

/** Another seed, and how many rounds, for longer searches. */
const SEED = Number(process.env['NOMYO_LEDGER_SEED'] ?? 20_260_901);
const ROUNDS = Number(process.env['NOMYO_LEDGER_ROUNDS'] ?? 125);
const WORKERS = 16;
/** Models that two endpoints have, each for one request. */
const PAIRS = 200;

test(`whatever happens to random requests, the ledger's sums are what the endpoints said (seed ${SEED})`, async () => {
  const names = Array.from({ length: WORKERS }, (_, at) => `w${at}`);
  const pairs = pairsOf(diceOf(SEED), PAIRS);
  await using stage = await startLedgerStage(PLACE_NAMES, (place) => [
    ...(place === 'llama-single' ? [ableModel('alone')] : names.flatMap((name) => modelsOf(`${name}-${place}`))),
    ...pairs.filter(({ on }) => on.includes(place)).map(({ model }) => ableModel(model)),
  ]);
  const first = await learnGaps(stage);
  const others = await Promise.all(
    names.map(async (name, at) => {
      using asker = await openAsker(stage.router);
      const own = pairs.filter((_, place) => place % WORKERS === at);
      return await work(stage, { name, dice: diceOf(SEED + at + 1), asker, pairs: own });
    }),
  );
  const ended = [...first, ...others.flat()];
  await stage.router.idle();
  await assertSums(stage, ended);
  assertVariety(ended);
});

function modelsOf(name: string) {
  return [ableModel(name), ableModel(`${name}-thinks`, true)];
}

/** Which routes are missing is learnt by asking; what is asked while that is not known is asked twice. */
async function learnGaps(stage: LedgerStage): Promise<Ended[]> {
  using asker = await openAsker(stage.router);
  const ended: Ended[] = [];
  for (const place of stage.places) {
    const model = place.name === 'llama-single' ? 'alone' : `w0-${place.name}`;
    const name = spellingFor([place], model);
    const words = SPOKEN.map((path) => spoken(path, { model: name, words: 'first', length: 2, streams: false }));
    for (const question of [...words, still('/v1/embeddings', name, place, diceOf(1))]) {
      const trial = { id: `gap-${ended.length}-${place.name}`, places: [place], model, question } as const;
      ended.push(checked(await attempt(asker, { ...trial, fate: { name: 'finishes' } })));
    }
  }
  return ended;
}

async function work(stage: LedgerStage, worker: Worker): Promise<Ended[]> {
  const ended: Ended[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const trial = trialOf(stage, worker, `${worker.name}-${round}`);
    ended.push(checked(await attempt(worker.asker, trial)));
  }
  return ended;
}

function checked(ended: Ended): Ended {
  const { id, model, fate, question, places } = ended.trial;
  try {
    assertTrue(ended);
    if (/finishes|pieces|elsewhere/.test(fate.name)) assert.equal(ended.view.outcome, 'ok');
    if (fate.name === 'is refused') assert.equal(ended.view.error?.message, 'no');
  } catch (error) {
    const { body: _, ...asked } = question;
    const facts = { id, model, at: places.map(({ name }) => name), fate, asked, view: ended.view, spent: ended.spent };
    const text = `${JSON.stringify(facts)}\n${JSON.stringify(question.body)}\n${ended.body.toString('utf8', 0, 3_000)}`;
    throw new Error(`${error instanceof Error ? error.message : error}\n${text}`, { cause: error });
  }
  return ended;
}

/** What the router tells of all of it is the sum of what it told of each request. */
async function assertSums({ router }: LedgerStage, ended: readonly Ended[]): Promise<void> {
  const told = ended.filter(({ view }) => view.input_tokens !== null);
  const groups = Map.groupBy(told, ({ view }) => `${view.endpoint_url} ${view.listed_model}`);
  const { breakdown, total_tokens: total } = jsonOf(await router.ask('/api/token_counts'));
  const { token_usage_counts: live } = jsonOf(await router.ask('/api/usage'));
  for (const row of breakdown) {
    const own = groups.get(`${row.endpoint} ${row.model}`) ?? [];
    const { input, output, estimated } = sumsOf(own);
    assert.deepEqual([row.input_tokens, row.output_tokens, row.total_tokens], [input, output, input + output]);
    // Of several prompts, asked one after the other, some may be counted and one estimated.
    if (own.some(isSeries)) assert.ok((row.estimated_input_tokens ?? 0) <= estimated);
    else assert.equal(row.estimated_input_tokens ?? 0, estimated);
    assert.equal(live[row.endpoint][row.model], row.total_tokens);
  }
  const { input, output } = sumsOf(told);
  assert.deepEqual([breakdown.length, total], [groups.size, input + output]);
}

function sumsOf(ended: readonly Ended[]) {
  const sum = (of: (view: Json) => number) => ended.reduce((total, { view }) => total + of(view), 0);
  return {
    input: sum((view) => view.input_tokens),
    output: sum((view) => view.output_tokens),
    estimated: sum((view) => (view.input_tokens_estimated ? view.input_tokens : 0)),
  };
}

/** The requests were as different as they were meant to be. */
function assertVariety(ended: readonly Ended[]): void {
  const estimated = ended.filter(({ view }) => view.output_tokens_estimated).length;
  assert.ok(estimated > ended.length / 20, `${estimated} of ${ended.length} are estimated`);
  assert.equal(new Set(ended.map(({ trial }) => trial.fate.name)).size, 13);
}
