import type { Call } from '../call.ts';
import { hasImages } from '../forms/messages-chat.ts';
import type { SimulatedModel } from '../simulation.ts';
import { countTokens } from '../text.ts';
import { type Body, objectsIn } from './body.ts';
import { ApiFailure } from './failure.ts';

/** Refuses a prompt, or a prompt with the answer asked for, that is longer than the model's context. */
export function fitting(call: Call): Call {
  const tokens = countTokens(call.prompt);
  const { contextLength } = call.model;
  const room = contextLength - tokens;
  const limit = `This model's maximum context length is ${contextLength} tokens`;
  const asked = Number.isFinite(call.maxTokens) ? call.maxTokens : 0;
  if (room <= 0) {
    const text = `However, you requested ${tokens} tokens in the messages, Please reduce the length of the messages.`;
    throw new ApiFailure(400, `${limit}. ${text}`);
  }
  if (asked > room) {
    const parts = `(${tokens} in the messages, ${asked} in the completion)`;
    const text = `However, you requested ${tokens + asked} tokens ${parts}. Please reduce the length of the messages or completion.`;
    throw new ApiFailure(400, `${limit}. ${text}`);
  }
  return { ...call, maxTokens: Math.min(call.maxTokens, room) };
}

/** Refuses texts to embed or rank that are longer than the model's context. */
export function checkTexts(texts: readonly string[], model: SimulatedModel, operation: string): void {
  const longest = Math.max(0, ...texts.map(countTokens));
  const { contextLength } = model;
  if (longest <= contextLength) return;
  const text = `However, you requested ${longest} tokens in the input for ${operation}. Please reduce the length of the input.`;
  throw new ApiFailure(400, `This model's maximum context length is ${contextLength} tokens. ${text}`);
}

/** Refuses images for a model without eyes, and tools that it might call where the server has no parser for calls. */
export function checkAbilities(body: Body, model: SimulatedModel): void {
  if (hasImages(objectsIn(body['messages'])) && !model.capabilities.includes('vision')) {
    throw new ApiFailure(400, `${model.name} is not a multimodal model`);
  }
  const hasTools = objectsIn(body['tools']).length > 0;
  if (hasTools && (body['tool_choice'] ?? 'auto') === 'auto' && !model.capabilities.includes('tools')) {
    throw new ApiFailure(400, '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set');
  }
}
