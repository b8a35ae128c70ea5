import assert from 'node:assert/strict';
import { type Json, jsonOf } from '../support/wire.ts';
import { ableModel, type LedgerStage, type PlaceName, startLedgerStage } from './ledger-fleet.ts';
import type { Question, Wish } from './ledger-questions.ts';
import { attempt, type Ended, type Fate, openAsker, spellingFor } from './ledger-trial.ts';
import { assertTrue, type Counted } from './ledger-truth.ts';

/** The router before these places, each with the model `m` in memory. */
export function stageOf(...names: readonly PlaceName[]): Promise<LedgerStage> {
  return startLedgerStage(names, () => [ableModel('m')]);
}

/** Six tokens of it. */
export function wish({ places }: LedgerStage, { streams, words = 'x' }: { streams: boolean; words?: string }): Wish {
  return { model: spellingFor(places, 'm'), words, length: 6, streams };
}

/** Asks one question after the other, and keeps what came of them; each is as true as it can be known. */
export function questioner(stage: LedgerStage) {
  const ended: Ended[] = [];
  const ask = async (question: Question, fate: Fate) => {
    const done = await one(stage, question, fate, `q-${ended.length}`);
    ended.push(done.ended);
    return done;
  };
  return Object.assign(ask, { ended });
}

/** What came of a question. */
export interface Done {
  readonly ended: Ended;
  readonly view: Json;
  readonly outcome: string;
  readonly counted: Counted | undefined;
}

/** Asks the first place, where a fate acts, and the others after it. */
export async function one({ router, places }: LedgerStage, question: Question, fate: Fate, id: string): Promise<Done> {
  using asker = await openAsker(router);
  const [first, ...others] = places;
  assert.ok(first);
  const ended = await attempt(asker, { id, places: [first, ...others], model: 'm', question, fate });
  if (ended.view.retries.length === 0) assertTrue(ended);
  const { view } = ended;
  const counted = view.input_tokens === null ? undefined : { input: view.input_tokens, output: view.output_tokens };
  return { ended, view, outcome: view.outcome, counted };
}

/** Input, output and estimated tokens by endpoint; each has one model. */
export async function rowsOf({ router }: LedgerStage): Promise<Record<string, [number, number, number]>> {
  const { breakdown } = jsonOf(await router.ask('/api/token_counts'));
  const rows = breakdown.map((row: Json) => [
    row.endpoint,
    [row.input_tokens, row.output_tokens, row.estimated_input_tokens ?? 0],
  ]);
  return Object.fromEntries(rows);
}

/** Asserts that the router has counted what it told of these, each by the endpoint that answered. */
export async function assertLedger(stage: LedgerStage, ended: readonly Ended[]): Promise<void> {
  const counted = ended.filter(({ view }) => view.input_tokens !== null);
  const byEndpoint = Map.groupBy(counted, ({ view }): string => view.endpoint_url);
  assert.deepEqual(await rowsOf(stage), Object.fromEntries([...byEndpoint].map(([url, own]) => [url, sumsOf(own)])));
}

/** Input, output and estimated tokens of all of them. */
export function sumsOf(ended: readonly Ended[]): number[] {
  const sum = (of: (view: Json) => number) => ended.reduce((total, { view }) => total + of(view), 0);
  const estimated = (view: Json) => (view.input_tokens_estimated ? view.input_tokens : 0);
  return [sum((view) => view.input_tokens), sum((view) => view.output_tokens), sum(estimated)];
}
