import { exchangeId } from '../exchange-id.ts';
import type { AnswerForm } from '../forms/form.ts';
import { chatOfMessages } from '../forms/messages-chat.ts';
import { MessagesForm } from '../forms/messages-form.ts';
import { chatOfResponse } from '../forms/responses-chat.ts';
import { ResponsesForm } from '../forms/responses-form.ts';
import { answerInForm } from '../forms/run.ts';
import { type Body, objectIn, objectsIn, textIn } from './body.ts';
import type { PromptForm } from './dialect.ts';
import { ApiFailure } from './failure.ts';
import { chatCall } from './read-call.ts';
import type { Work } from './work.ts';

/** POST /v1/messages. */
export async function messages(work: Work): Promise<void> {
  const { dialect, body, exchange } = work;
  dialect.checkMessagesBody(body);
  const name = String(body['model']);
  const form = new MessagesForm(dialect.messages, `msg_${exchangeId(exchange, 24)}`, name);
  // Anthropic's models think when told to, the others unless told not to.
  const isTold = ['enabled', 'adaptive'].includes(String(objectIn(body['thinking'])['type']));
  await answered(work, chatOfMessages(body), form, 'message', isTold || !dialect.messages.thinksWhenTold);
}

/** POST /v1/responses. */
export async function responses(work: Work): Promise<void> {
  const { host, dialect, body, exchange } = work;
  dialect.checkResponse(body);
  const chat = continued(work, chatOfResponse(body));
  const digits = exchangeId(exchange, 32);
  const createdAt = Math.floor(exchange.recording.startedAt / 1000);
  const form = new ResponsesForm(dialect.responses, { digits, model: String(body['model']), body, createdAt });
  await answered(work, chat, form, 'response', true);
  if (body['store'] !== false) host.responses.set(`resp_${digits}`, objectsIn(chat['messages']));
}

/** The conversation with what went before it on this server. */
function continued({ host, body }: Work, chat: Body): Body {
  const previous = textIn(body['previous_response_id']);
  if (previous === undefined) return chat;
  const before = host.responses.get(previous);
  if (before === undefined) {
    const parts = { param: 'previous_response_id', code: 'previous_response_not_found' };
    throw new ApiFailure(400, `Previous response with id '${previous}' not found.`, parts);
  }
  return { ...chat, messages: [...before, ...objectsIn(chat['messages'])] };
}

async function answered(work: Work, chat: Body, form: AnswerForm, asked: PromptForm, mayThink: boolean): Promise<void> {
  const { host, exchange, dialect, body } = work;
  const model = dialect.model(host, body['model'], 'completion');
  dialect.checkAbilities(chat, model);
  const read = chatCall(model, chat);
  const call = dialect.fitting({ ...read, think: read.think && mayThink }, asked);
  using use = await host.machine.use(model, {}, exchange.signal);
  await answerInForm({
    host,
    loaded: use.loaded,
    call,
    exchange,
    form,
    stream: body['stream'] === true,
    streamHeaders: dialect.style.streamHeaders,
    jsonHeaders: dialect.style.jsonHeaders,
  });
}
