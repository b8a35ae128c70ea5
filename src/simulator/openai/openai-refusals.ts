import type { Call } from '../call.ts';
import { hasImages } from '../forms/messages-chat.ts';
import type { SimulatedModel } from '../simulation.ts';
import { countTokens } from '../text.ts';
import { type Body, objectsIn } from './body.ts';
import type { PromptForm } from './dialect.ts';
import { ApiFailure } from './failure.ts';
import { refuse } from './strict-fields.ts';

/** Refuses what is longer than the model's context; limits the answer to what is left of it. */
export function fitting(call: Call, form: PromptForm): Call {
  const tokens = countTokens(call.prompt);
  const { contextLength } = call.model;
  if (tokens >= contextLength) throw overflow(tokens, contextLength, form);
  return { ...call, maxTokens: Math.min(call.maxTokens, contextLength - tokens) };
}

/** Each route says it in its own words. */
function overflow(tokens: number, context: number, form: PromptForm): ApiFailure {
  const limit = `This model's maximum context length is ${context} tokens`;
  switch (form) {
    case 'chat': {
      const message = `${limit}. However, your messages resulted in ${tokens} tokens. Please reduce the length of the messages.`;
      return new ApiFailure(400, message, { param: 'messages', code: 'context_length_exceeded' });
    }
    case 'response': {
      const message = 'Your input exceeds the context window of this model. Please adjust your input and try again.';
      return new ApiFailure(400, message, { param: 'input', code: 'context_length_exceeded' });
    }
    case 'message':
      return new ApiFailure(400, `prompt is too long: ${tokens} tokens > ${context} maximum`);
    case 'text': {
      const parts = `(${tokens} in your prompt; 0 for the completion)`;
      return new ApiFailure(
        400,
        `${limit}, however you requested ${tokens} tokens ${parts}. Please reduce your prompt; or completion length.`,
      );
    }
  }
}

/** Refuses texts to embed or rank that are longer than the model's context. */
export function checkTexts(texts: readonly string[], model: SimulatedModel): void {
  const longest = Math.max(0, ...texts.map(countTokens));
  if (longest > model.contextLength) throw overflow(longest, model.contextLength, 'text');
}

/** Refuses tools and images for a model that knows nothing of them. */
export function checkAbilities(body: Body, model: SimulatedModel): void {
  if (objectsIn(body['tools']).length > 0 && !model.capabilities.includes('tools')) {
    refuse("Unsupported parameter: 'tools' is not supported with this model.", 'tools', 'unsupported_parameter');
  }
  if (hasImages(objectsIn(body['messages'])) && !model.capabilities.includes('vision')) {
    refuse('Invalid content type. image_url is only supported by certain models.', 'messages');
  }
}
