import type { Call, Operation } from '../../protocols/call.ts';
import type { Line } from '../../relay/line.ts';
import { load, unload } from '../../relay/model-control.ts';
import { relay } from '../../relay/relay.ts';
import { type BodyBudget, readBody } from '../body.ts';
import type { Handler } from '../route.ts';
import { inWordsOf } from './unknown-model.ts';

/** What each intent of a call sets in motion. */
const LINES: Readonly<Record<Call['intent'], typeof relay>> = { answer: relay, load, unload };

/** Answers a request to a model: decode it, send it down the line. */
export function inference(line: Line, budget: BodyBudget, operation: Operation): Handler {
  return async ({ request, reply, query, record }) => {
    using hold = budget.open();
    const call = operation.decode(await readBody(request, hold), request.headers['content-type']);
    record.model = call.model;
    record.streaming = call.streaming;
    try {
      await LINES[call.intent](line, { call, headers: request.rawHeaders, query, record }, reply);
    } catch (error) {
      throw inWordsOf(call, error);
    }
  };
}
