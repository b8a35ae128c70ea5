import type { Exchange } from '../exchange.ts';
import type { Host } from '../host.ts';
import { countTokens } from '../text.ts';
import { isObject } from './go-decode.ts';
import { goJson } from './go-json.ts';
import type { SystemOneRequest } from './requests.ts';
import { findModel, modelIsRequired, schedule } from './schedule.ts';
import { jsonType } from './sink.ts';

/** POST /v1/systemone: an answer per question, of its type. */
export async function systemOne(host: Host, request: SystemOneRequest, exchange: Exchange): Promise<void> {
  const model = findModel(host, request.model, modelIsRequired);
  using _use = await schedule(host, model, {}, exchange);
  const asked = Object.entries(request.questions ?? {});
  const answers = Object.fromEntries(
    asked.map(([name, question]) => [name, answerTo(isObject(question) ? question : {})]),
  );
  const usage = { input_tokens: countTokens(exchange.text), output_tokens: asked.length };
  await exchange.send(200, jsonType, goJson({ model: request.model, answers, usage }));
}

function answerTo({ type, criteria }: Readonly<Record<string, unknown>>): object {
  if (type === 'noul') return { type, noul: 0.75 };
  if (type === 'choice') {
    const choices = isObject(criteria) ? Object.keys(criteria) : [];
    return { type, choice: choices[0] ?? '', ...certainly(choices) };
  }
  const legend = Array.isArray(criteria) ? criteria.map(String) : [];
  const levels = legend.map((_, index) => String(index));
  return { type, score: 0, legend: Object.fromEntries(legend.entries()), ...certainly(levels) };
}

function certainly(choices: readonly string[]): object {
  return {
    probabilities: Object.fromEntries(choices.map((choice, index) => [choice, index === 0 ? 1 : 0])),
    confidence: 1,
  };
}
