import { type Call, type Message, renderPrompt, type ToolChoice } from '../call.ts';
import type { SimulatedModel } from '../simulation.ts';
import { type Body, isObject, numberIn, objectIn, objectsIn, textIn } from './body.ts';

/** What a chat completion asks for, in the words of all kinds; the request was checked before. */
export function chatCall(model: SimulatedModel, body: Body): Call {
  const messages = objectsIn(body['messages']).map(neutralMessage);
  return {
    model,
    prompt: renderPrompt(messages),
    messages,
    tools: objectsIn(body['tools']).map((tool) => {
      const fn = objectIn(tool['function']);
      return { name: textIn(fn['name']) ?? '', parameters: fn['parameters'] };
    }),
    toolChoice: toolChoice(body['tool_choice']),
    think: model.capabilities.includes('thinking') && wantsThinking(body),
    schema: schemaOf(body['response_format']),
    ...limits(body),
  };
}

/** What a completion asks for: the prompt as it is, without a template. */
export function completionCall(model: SimulatedModel, prompt: string, body: Body): Call {
  const messages = [{ role: 'user', text: prompt, images: 0 }];
  return { model, prompt, messages, tools: [], toolChoice: 'none', think: false, ...limits(body) };
}

/** The prompts of a completion: one text or token list, or many. */
export function promptsOf(prompt: unknown): string[] {
  if (!Array.isArray(prompt)) return [String(prompt ?? '')];
  if (prompt.every((item) => typeof item === 'number')) return [prompt.join(' ')];
  return prompt.map((item) => (Array.isArray(item) ? item.join(' ') : String(item)));
}

function neutralMessage(message: Body): Message {
  const { role, content, tool_calls: calls } = message;
  const parts = objectsIn(content);
  const text = typeof content === 'string' ? content : parts.map((part) => textIn(part['text']) ?? '').join('');
  const images = parts.filter((part) => part['type'] === 'image_url').length;
  const called = Array.isArray(calls) && calls.length > 0 ? JSON.stringify(calls) : '';
  return { role: textIn(role) ?? '', text: text + called, images };
}

function toolChoice(choice: unknown): ToolChoice {
  if (choice === 'none' || choice === 'required') return choice;
  const name = textIn(objectIn(objectIn(choice)['function'])['name']);
  return name === undefined ? 'auto' : { name };
}

function wantsThinking(body: Body): boolean {
  const kwargs = objectIn(body['chat_template_kwargs']);
  return kwargs['enable_thinking'] !== false && body['reasoning_effort'] !== 'none' && body['reasoning_budget'] !== 0;
}

function schemaOf(format: unknown): unknown {
  if (!isObject(format)) return undefined;
  if (format['type'] === 'json_object') return format['schema'] ?? true;
  return format['type'] === 'json_schema' ? (objectIn(format['json_schema'])['schema'] ?? true) : undefined;
}

function limits(body: Body): Pick<Call, 'stop' | 'maxTokens' | 'seed'> {
  const { stop } = body;
  const seed = numberIn(body['seed']);
  const asked = [body['n_predict'], body['max_completion_tokens'], body['max_tokens']].map(numberIn);
  const max = asked.find((value) => value !== undefined) ?? -1;
  return {
    stop:
      typeof stop === 'string' ? [stop] : Array.isArray(stop) ? stop.filter((text) => typeof text === 'string') : [],
    // A limit of 0 gives one token on llama-server; the others refuse it.
    maxTokens: max < 0 ? Number.POSITIVE_INFINITY : Math.max(1, max),
    ...(seed === undefined || seed === -1 ? {} : { seed }),
  };
}
