import { type Message, renderPrompt } from '../call.ts';
import { errorObject } from '../llama-server/answers.ts';
import { contextOverflow, refuseMedia } from '../llama-server/refusals.ts';
import { ApiFailure } from '../openai/failure.ts';
import type { SimulatedModel } from '../simulation.ts';
import { countTokens } from '../text.ts';
import { readFormat } from './options.ts';
import type { Sink } from './sink.ts';

/** What the runner refuses comes out of the would-be stream: other content type than a refused request. */
type Streamable = {
  readonly stream?: boolean | undefined;
  readonly format?: unknown;
  readonly truncate?: boolean | undefined;
};

/** The schema, or undefined after the failure was sent. */
export async function formatOrFailure(request: Streamable, sink: Sink): Promise<{ schema: unknown } | undefined> {
  try {
    return { schema: readFormat(request.format) };
  } catch (error) {
    await refused(request, sink, 500, error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

/** The context a prompt must fit, and whether a llama-server runs the model, as it does since 0.30. */
interface Limits {
  readonly isNew: boolean;
  readonly context: number;
}

/** The prompt cut to the context from its front, or undefined after the failure was sent; `messages` are a chat's. */
export async function promptOrFailure(
  { isNew, context }: Limits,
  prompt: string,
  request: Streamable,
  sink: Sink,
  messages: readonly Message[] = [],
): Promise<string | undefined> {
  if (countTokens(prompt) <= context) return prompt;
  if (!isNew && request.truncate !== false) return prompt.slice(-4 * context);
  if (!isNew) {
    await refused(request, sink, 400, 'the input length exceeds the context length');
    return undefined;
  }
  const cut = request.truncate === false || messages.length === 0 ? prompt : withoutOldest(messages, context);
  const tokens = countTokens(cut);
  if (tokens <= context) return cut;
  await refused(request, sink, 400, runnerError(contextOverflow(tokens, context)));
  return undefined;
}

/** The system's messages and the last stay; of the others the oldest leave. */
function withoutOldest(messages: readonly Message[], context: number): string {
  const kept = [...messages];
  while (countTokens(renderPrompt(kept)) > context) {
    const oldest = kept.findIndex((message, i) => message.role !== 'system' && i < kept.length - 1);
    if (oldest === -1) break;
    kept.splice(oldest, 1);
  }
  return renderPrompt(kept);
}

/** Whether the runner refused pictures, which was then sent. */
export async function sightFailed(model: SimulatedModel, request: Streamable, sink: Sink): Promise<boolean> {
  try {
    refuseMedia(model, 'image');
    return false;
  } catch (error) {
    if (!(error instanceof ApiFailure)) throw error;
    await refused(request, sink, error.status, runnerError(error));
    return true;
  }
}

/** A runner's own JSON, which becomes a text inside Ollama's. */
function runnerError(failure: ApiFailure): string {
  return JSON.stringify(errorObject(failure));
}

async function refused(request: Streamable, sink: Sink, status: number, message: string): Promise<void> {
  if (request.stream === false) await sink.json(status, { error: message });
  else await sink.failed(status, message);
}
