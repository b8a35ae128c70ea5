import assert from 'node:assert/strict';
import type { Dice } from './ledger-dice.ts';
import { failingFate, fateOf, stillFate } from './ledger-fates.ts';
import { type LedgerStage, PLACE_NAMES, type PlaceName } from './ledger-fleet.ts';
import { SPOKEN, type Spoken, spoken, still, stillsOf } from './ledger-questions.ts';
import { type Asker, spellingFor, type Trial } from './ledger-trial.ts';

/** A model that two endpoints have, for one request. */
interface Pair {
  readonly model: string;
  readonly on: readonly [PlaceName, PlaceName];
}

/** Who asks one request after the other, of models that nobody else asks. */
export interface Worker {
  readonly name: string;
  readonly dice: Dice;
  readonly asker: Asker;
  readonly pairs: Pair[];
}

/** A random request: what is asked, of which endpoint, and what becomes of it. */
export function trialOf(stage: LedgerStage, worker: Worker, id: string): Trial {
  const { dice, pairs } = worker;
  const pair = dice.chance(0.1) ? pairs.pop() : undefined;
  if (pair !== undefined) return pairedTrial(stage, pair, dice, id);
  return dice.chance(0.25) ? stillTrial(stage, worker, id) : spokenTrial(stage, worker, id);
}

/** The first of two endpoints fails: it may be the one that is asked first. */
function pairedTrial(stage: LedgerStage, { model, on }: Pair, dice: Dice, id: string): Trial {
  const places = [placeNamed(stage, on[0]), placeNamed(stage, on[1])] as const;
  const name = spellingFor(places, model);
  const wish = { model: name, words: dice.words(), length: 1 + dice.below(12), streams: dice.chance(0.6) };
  return { id, places, model, question: spoken(dice.pick(SPOKEN), wish), fate: failingFate(dice) };
}

function stillTrial(stage: LedgerStage, worker: Worker, id: string): Trial {
  const { dice } = worker;
  const place = placeFor(stage, worker);
  const model = modelAt(place.name, worker, false);
  const sort = dice.pick(stillsOf(place));
  const fate = sort === 'load' || sort === 'unload' ? { name: 'finishes' } : stillFate(dice);
  return { id, places: [place], model, question: still(sort, spellingFor([place], model), place, dice), fate };
}

function spokenTrial(stage: LedgerStage, worker: Worker, id: string): Trial {
  const { dice } = worker;
  const place = placeFor(stage, worker);
  const { kind } = place.endpoint;
  const path = dice.pick(SPOKEN);
  const thinks = place.name !== 'llama-single' && dice.chance(0.3);
  const streams = dice.chance(0.7);
  const hasTools = path !== '/v1/completions' && path !== '/api/generate';
  const tools = hasTools && dice.chance(0.15);
  const length = 1 + dice.below(12);
  const usage = dice.chance(0.5);
  const countsChoices = kind === 'llama-server' || !place.lacks.includes(path);
  const several = dice.chance(0.15) ? severalOf(path, countsChoices, tools, dice) : {};
  const model = modelAt(place.name, worker, thinks);
  const name = spellingFor([place], model);
  const wish = { model: name, words: dice.words(), length, streams, thinks, tools, usage, ...several };
  const question = spoken(path, wish);
  const hidden = kind === 'openai' || (path === '/v1/completions' && place.lacks.includes(path));
  const plain = !tools && !(thinks && hidden);
  return { id, places: [place], model, question, fate: fateOf(dice, question, tools ? 1 : length, plain) };
}

/** Several prompts, or several choices where those are counted. */
function severalOf(path: Spoken, countsChoices: boolean, tools: boolean, dice: Dice) {
  if (path === '/v1/completions') return { prompts: 2 + dice.below(2) };
  return path === '/v1/chat/completions' && countsChoices && !tools ? { choices: 2 + dice.below(2) } : {};
}

/** The one model of a llama-server is the first worker's. */
function placeFor(stage: LedgerStage, { name, dice }: Worker) {
  const free = stage.places.filter((place) => place.name !== 'llama-single' || name === 'w0');
  return dice.pick(free);
}

function placeNamed(stage: LedgerStage, name: PlaceName) {
  const place = stage.places.find((place) => place.name === name);
  assert.ok(place);
  return place;
}

function modelAt(place: PlaceName, { name }: Worker, thinks: boolean): string {
  if (place === 'llama-single') return 'alone';
  return `${name}-${place}${thinks ? '-thinks' : ''}`;
}

/** So many models, each on two random endpoints. */
export function pairsOf(dice: Dice, count: number): Pair[] {
  const names = PLACE_NAMES.filter((name) => name !== 'llama-single');
  return Array.from({ length: count }, (_, at) => {
    const one = dice.pick(names);
    return { model: `pair-${at}`, on: [one, dice.pick(names.filter((name) => name !== one))] };
  });
}
