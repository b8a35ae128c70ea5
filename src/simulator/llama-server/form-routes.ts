import { exchangeId } from '../exchange-id.ts';
import type { AnswerForm } from '../forms/form.ts';
import { chatOfMessages } from '../forms/messages-chat.ts';
import { MessagesForm } from '../forms/messages-form.ts';
import { llamaMessages } from '../forms/messages-styles.ts';
import { chatOfResponse } from '../forms/responses-chat.ts';
import { LlamaResponsesForm } from '../forms/responses-llama-form.ts';
import { answerInForm } from '../forms/run.ts';
import { type Body, objectIn, objectsIn } from '../openai/body.ts';
import { ApiFailure } from '../openai/failure.ts';
import { countTokens } from '../text.ts';
import { json } from './answers.ts';
import { checkChat } from './check.ts';
import { checkFields } from './check-fields.ts';
import { checkResponse } from './check-response.ts';
import { fitting, llamaChatCall, type Work } from './infer.ts';
import { defaultBuild, llamaStyle } from './style.ts';

/** POST /v1/messages: what it refuses it refuses in its own error object, not in Anthropic's. */
export async function messages(work: Work): Promise<void> {
  const form = new MessagesForm(llamaMessages, `chatcmpl-${exchangeId(work.exchange, 32)}`, work.loaded.model.name);
  await answered(work, messagesChat(work.body), form);
}

/** POST /v1/messages/count_tokens. */
export async function countMessageTokens(work: Work): Promise<void> {
  const { host, exchange, loaded } = work;
  const chat = messagesChat(work.body);
  checkChat(chat, loaded.model, host.options);
  await json(exchange, { input_tokens: countTokens(llamaChatCall(loaded.model, chat).prompt) });
}

/** POST /v1/responses. */
export async function responses(work: Work): Promise<void> {
  const { body, exchange, loaded } = work;
  checkResponse(body);
  const createdAt = Math.floor(exchange.recording.startedAt / 1000);
  const facts = { digits: exchangeId(exchange, 32), model: loaded.model.name, body, createdAt };
  await answered(work, responseChat(body), new LlamaResponsesForm(facts));
}

/** What it has no other name for stays as it is, and is read as of a chat; a format of the answer is not read. */
function responseChat(body: Body): Body {
  const { tools: _tools, ...others } = body;
  return { ...others, ...chatOfResponse({ ...body, text: undefined }) };
}

/** A request without `max_tokens` gets a limit of its own; a tool that must be called is any tool, and may lack a name. */
function messagesChat(body: Body): Body {
  if (body['messages'] === undefined) throw new ApiFailure(500, "'messages' is required");
  const choice = objectIn(body['tool_choice']);
  return chatOfMessages({
    max_tokens: 4096,
    ...body,
    tools: objectsIn(body['tools']).map((tool) => ({ ...tool, name: tool['name'] ?? '' })),
    tool_choice: choice['type'] === 'tool' ? { type: 'any' } : choice,
  });
}

async function answered(work: Work, chat: Body, form: AnswerForm): Promise<void> {
  const { host, loaded, exchange, body } = work;
  const build = host.options.version ?? defaultBuild;
  checkChat(chat, loaded.model, host.options);
  checkFields(chat, loaded.pool.slots.length);
  const { streamHeaders, jsonHeaders } = llamaStyle(build);
  await answerInForm({
    host,
    loaded,
    call: fitting(loaded, llamaChatCall(loaded.model, chat)),
    exchange,
    form,
    stream: body['stream'] === true,
    streamHeaders,
    jsonHeaders,
  });
}
