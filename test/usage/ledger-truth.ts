import assert from 'node:assert/strict';
import type { Ended, Trial } from './ledger-trial.ts';

/** Tokens in and out. */
export interface Counted {
  readonly input: number;
  readonly output: number;
}

/** A finished answer in which the endpoint has no words for tokens. */
export function isUncounted({ trial, place: { endpoint }, body }: Ended): boolean {
  if (endpoint.kind === 'ollama') return trial.question.path === '/api/embeddings' && !isControl(trial);
  return body.toString('latin1', 0, 1) === '[' && endpoint.kind === 'llama-server';
}

/** What the endpoint told of a finished answer; undefined where it asked nothing of a model. */
export function toldOf({ trial, place, spent, body }: Ended): Counted | undefined {
  const { path, streams, choices, prompts } = trial.question;
  const { kind } = place.endpoint;
  if (path === '/v1/messages/count_tokens' || isControl(trial)) return undefined;
  if (kind === 'ollama' && path === '/v1/audio/transcriptions') return undefined;
  if (path === '/v1/systemone') {
    const { input_tokens: input, output_tokens: output } = JSON.parse(body.toString()).usage;
    return { input, output };
  }
  const { prompt: input, completion: output } = spent;
  if (kind === 'ollama') return { input, output };
  const answers = choices * prompts;
  // Of several whole answers a llama-server tells the first one's counts alone; of several in a stream those of all.
  if (kind === 'llama-server' && !streams) return { input: input / answers, output: output / answers };
  // A prompt with several answers is counted once. The simulated vLLM and OpenAI count one of several prompts, too.
  return { input: kind === 'llama-server' ? input / choices : input / answers, output };
}

/** Asserts that the router counted what it could know, and nothing else. */
export function assertTrue(ended: Ended): void {
  const { view, spent, pieces, trial } = ended;
  const { input_tokens: input, output_tokens: output, output_tokens_estimated: isPieces } = view;
  const counted = input === null ? undefined : { input, output };
  if (view.outcome === 'ok' && isUncounted(ended)) {
    assert.deepEqual([view.input_tokens_estimated, output], [true, 0]);
    assert.ok(input > 0);
  } else if (view.outcome === 'ok' && !givesUp(trial)) {
    assert.deepEqual([counted, view.input_tokens_estimated, isPieces], [toldOf(ended), false, false]);
  } else if (counted !== undefined && !isPieces) {
    if (isSeries(ended)) assert.ok(output >= pieces && output <= spent.completion && input <= spent.prompt);
    else assert.deepEqual(counted, toldOf(ended));
  } else if (counted !== undefined) {
    assert.ok(output <= spent.completion, `${output} of ${spent.completion} tokens`);
    if (!isOtherwiseTold(ended)) assertPieces(output, pieces, ended);
    assertPrompt(ended);
  } else {
    assert.equal(pieces, 0, 'what has come is counted');
  }
  if (!trial.question.streams && view.outcome !== 'ok') assert.equal(counted, undefined);
}

/** Asked one after the other: some may be finished before it ends, and of the next one nothing may have come. */
export function isSeries({ trial: { question }, place }: Ended): boolean {
  return place.endpoint.kind === 'ollama' && question.prompts > 1;
}

/** The endpoint itself ends its answer before it is complete. */
function givesUp({ fate: { fault } }: Trial): boolean {
  return fault?.errorAfterTokens !== undefined || fault?.silentEndAfterTokens !== undefined;
}

/** A client that leaves may miss the last pieces that the router had for it; any other one gets them all. */
function assertPieces(output: number, pieces: number, { trial, status }: Ended): void {
  const { by, fault } = trial.fate;
  const isStill = fault?.stallAfterTokens !== undefined;
  if (by === 'client' && !isStill) assert.ok(output >= pieces, `${output} of ${pieces} pieces`);
  else assert.equal(output, pieces, `pieces of an answer with status ${status}`);
}

/** An estimate, where the endpoint did not tell before it broke off: most tell at the end. */
function assertPrompt({ view, spent, place, trial }: Ended): void {
  const { path, choices } = trial.question;
  const tellsFirst = path === '/v1/messages' && place.endpoint.kind !== 'ollama' && !place.lacks.includes(path);
  // The first of several choices to end tells of the prompt that they have in common.
  const isTold = choices > 1 && place.endpoint.kind === 'llama-server' && !view.input_tokens_estimated;
  const begun = spent.prompt / view.input_tokens;
  if (isTold) assert.ok(Number.isInteger(begun) && begun <= choices, `${view.input_tokens} of ${spent.prompt}`);
  else assert.equal(view.input_tokens_estimated, !tellsFirst);
  if (tellsFirst) assert.equal(view.input_tokens, spent.prompt);
  else assert.ok(view.input_tokens > 0);
}

/** The client is shown less than came, or in other pieces: calls of tools, which some tell whole, and hidden reasoning. */
function isOtherwiseTold(ended: Ended): boolean {
  const { trial, place } = ended;
  const { path, tools } = trial.question;
  const isHidden = place.endpoint.kind === 'openai' || (path === '/v1/completions' && place.lacks.includes(path));
  // An error that Ollama swallows looks like a token of reasoning, once it stands in an answer of several.
  return tools || (trial.model.endsWith('thinks') && (isHidden || isSeries(ended)));
}

function isControl({ question: { path, body } }: Trial): boolean {
  return (
    path.startsWith('/api/') && !Buffer.isBuffer(body) && !('messages' in body || 'prompt' in body || 'input' in body)
  );
}
