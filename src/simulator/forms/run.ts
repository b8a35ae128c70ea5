import type { Call } from '../call.ts';
import type { Exchange, HeaderPairs } from '../exchange.ts';
import { GenerationFailure, SilentEnd } from '../generation.ts';
import type { Host } from '../host.ts';
import type { LoadedModel } from '../loaded-model.ts';
import { ApiFailure } from '../openai/failure.ts';
import { type AnswerForm, eventText, type NamedEvent, type PromptUsage } from './form.ts';

/** An answer in a protocol of named events. */
export interface FormRun {
  readonly host: Host;
  readonly loaded: LoadedModel;
  readonly call: Call;
  readonly exchange: Exchange;
  readonly form: AnswerForm;
  readonly stream: boolean;
  readonly streamHeaders: HeaderPairs;
  readonly jsonHeaders: HeaderPairs;
}

/** Answers a call as a stream of events or as one object; a model that breaks before its first token is a 500. */
export async function answerInForm(run: FormRun): Promise<void> {
  try {
    for await (const events of eventsOf(run)) if (run.stream) await send(run, events);
  } catch (error) {
    if (error instanceof SilentEnd) return end(run);
    if (!(error instanceof GenerationFailure)) throw error;
    if (!run.exchange.headSent) throw new ApiFailure(500, error.message);
    await send(run, run.form.broken(error.message));
  }
  await end(run);
}

async function* eventsOf({ host, loaded, call, exchange, form }: FormRun): AsyncGenerator<readonly NamedEvent[]> {
  let prompt: PromptUsage = { promptTokens: 0, cachedTokens: 0 };
  let isStarted = false;
  for await (const event of host.answer(loaded, call, exchange)) {
    if (event.type === 'prompt-read') {
      prompt = event.usage;
      continue;
    }
    // Nothing goes out before the first token.
    if (!isStarted) yield form.start(prompt);
    isStarted = true;
    if (event.type === 'finish') yield form.finish(event.reason, event.usage);
    else yield form.piece(event);
  }
}

async function send({ exchange, streamHeaders }: FormRun, events: readonly NamedEvent[]): Promise<void> {
  if (!exchange.headSent) await exchange.open(200, streamHeaders);
  for (const event of events) await exchange.write(eventText(event));
}

async function end(run: FormRun): Promise<void> {
  const { exchange, form, jsonHeaders, streamHeaders } = run;
  if (!run.stream) return exchange.send(200, jsonHeaders, JSON.stringify(form.whole()));
  if (!exchange.headSent) await exchange.open(200, streamHeaders);
  await exchange.close();
}
