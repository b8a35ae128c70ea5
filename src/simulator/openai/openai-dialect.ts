import { exchangeId } from '../exchange-id.ts';
import { checkMessagesBody } from '../forms/messages-check.ts';
import { anthropicError, anthropicMessages } from '../forms/messages-styles.ts';
import { openAiResponses } from '../forms/responses-styles.ts';
import type { Capability } from '../simulation.ts';
import type { Dialect } from './dialect.ts';
import { ApiFailure } from './failure.ts';
import { checkAbilities, checkTexts, fitting } from './openai-refusals.ts';
import { openAiError, openAiStyle } from './openai-style.ts';
import { jinaRanking } from './ranking.ts';
import { checkChat, checkCompletion, checkEmbedding } from './strict-check.ts';
import { checkMessages } from './strict-messages.ts';
import { checkRerank, checkTranscription } from './strict-more.ts';
import { checkResponse } from './strict-responses.ts';

/** What a model is told not to be. */
const unable: Readonly<Partial<Record<Capability, string>>> = {
  completion: 'This is not a chat model and thus not supported in the v1/chat/completions endpoint.',
  embedding: 'You are not allowed to generate embeddings from this model',
  rerank: 'This is not a rerank model and thus not supported in the v1/rerank endpoint.',
  audio: 'This is not an audio model and thus not supported in the v1/audio/transcriptions endpoint.',
};

/** OpenAI itself, or whoever is as strict. */
export const openAiDialect: Dialect = {
  style: openAiStyle,
  messages: anthropicMessages,
  responses: openAiResponses,
  lacks: ['/v1/messages', '/v1/rerank', '/rerank', '/v2/rerank'],
  error: openAiError,
  messagesError: (failure, exchange) =>
    anthropicError(failure.status, failure.message, `req_${exchangeId(exchange, 24)}`),
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
      throw new ApiFailure(wanted === 'embedding' ? 403 : 404, unable[wanted] ?? '', { param: 'model' });
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

  checkResponse,
  checkRerank,
  rankingAnswer: jinaRanking,
  checkTranscription,
  checkMessagesBody: (body) => checkMessagesBody(body, true),
  checkAbilities,
  checkTexts,
  fitting,
};
