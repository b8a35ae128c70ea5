import { countTokens } from '../text.ts';
import type { Dialect } from './dialect.ts';
import { ApiFailure } from './failure.ts';
import { openAiError, openAiStyle } from './openai-style.ts';
import { checkChat, checkCompletion, checkEmbedding } from './strict-check.ts';
import { checkMessages } from './strict-messages.ts';

/** OpenAI itself, or whoever is as strict. */
export const openAiDialect: Dialect = {
  style: openAiStyle,
  error: openAiError,
  answeredItself: async () => false,

  async refuseKey(_, given) {
    const message =
      given === undefined
        ? "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth."
        : 'Incorrect API key provided. You can find your API key at https://platform.openai.com/account/api-keys.';
    throw new ApiFailure(401, message, { code: 'invalid_api_key' });
  },

  async unknownRoute({ method, path }, isKnownPath) {
    if (isKnownPath)
      throw new ApiFailure(405, `Not allowed to ${method} on ${path}.`, { code: 'method_not_supported' });
    throw new ApiFailure(404, `Invalid URL (${method} ${path})`);
  },

  badJson: () =>
    new ApiFailure(
      400,
      "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library correctly.)",
    ),

  model(host, name, wanted) {
    const model = typeof name === 'string' ? host.machine.find(name) : undefined;
    if (model === undefined) {
      const message = `The model \`${String(name)}\` does not exist or you do not have access to it.`;
      throw new ApiFailure(404, message, { code: 'model_not_found' });
    }
    if (wanted !== undefined && !model.capabilities.includes(wanted)) {
      const message =
        wanted === 'embedding'
          ? 'You are not allowed to generate embeddings from this model'
          : 'This is not a chat model and thus not supported in the v1/chat/completions endpoint.';
      throw new ApiFailure(wanted === 'embedding' ? 403 : 404, message, { param: 'model' });
    }
    return model;
  },

  modelItem: (model) => ({
    id: model.name,
    object: 'model',
    created: Math.floor(model.modifiedAt.getTime() / 1000),
    owned_by: 'openai',
  }),

  checkChat,
  checkMessages,
  checkCompletion,
  checkEmbedding,

  fitting(call) {
    const tokens = countTokens(call.prompt);
    const { contextLength } = call.model;
    if (tokens >= contextLength) {
      const message = `This model's maximum context length is ${contextLength} tokens. However, your messages resulted in ${tokens} tokens. Please reduce the length of the messages.`;
      throw new ApiFailure(400, message, { param: 'messages', code: 'context_length_exceeded' });
    }
    return { ...call, maxTokens: Math.min(call.maxTokens, contextLength - tokens) };
  },
};
