import { type Body, isObject, objectIn, objectsIn } from '../openai/body.ts';
import { ApiFailure } from '../openai/failure.ts';

/** Refuses a response that llama-server refuses, in its words. */
export function checkResponse(body: Body): void {
  const { input, previous_response_id: previous, tools } = body;
  if (input === undefined) refuse("'input' is required");
  if (typeof previous === 'string' && previous !== '') refuse("llama.cpp does not support 'previous_response_id'.");
  if (typeof input !== 'string' && !Array.isArray(input)) refuse("'input' must be a string or array of objects");
  if (Array.isArray(input)) for (const item of input) checkItem(isObject(item) ? item : {});
  if (tools !== undefined && !Array.isArray(tools)) refuse("'tools' must be an array of objects");
}

function checkItem(item: Body): void {
  const { type, role, content, call_id: callId, output } = item;
  const parts = isText(content) ? [{ type: 'input_text', text: content }] : content;
  const isInput = ['user', 'system', 'developer'].includes(String(role));
  if (type === 'function_call_output' && isText(callId) && Array.isArray(output)) checkOutput(output);
  else if (type === 'reasoning' && Array.isArray(item['summary'])) checkReasoning(content);
  else if (isInput && Array.isArray(parts)) checkInput(parts);
  else if (role === 'assistant' && type === 'message') checkAssistant(objectsIn(parts));
  else if (!isCall(item) && !(type === 'function_call_output' && isText(callId) && isText(output))) {
    refuse("Cannot determine type of 'item'");
  }
}

function isCall({ type, arguments: args, call_id: callId, name }: Body): boolean {
  return type === 'function_call' && [args, callId, name].every(isText);
}

function checkInput(parts: readonly unknown[]): void {
  for (const part of objectsIn(parts)) {
    const { type, text, image_url: image } = part;
    if (type === 'input_text' && text === undefined) refuse("'Input text' requires 'text'");
    if (type === 'input_image' && image === undefined) refuse("'image_url' is required");
    if (type === 'input_file') refuse("'input_file' is not supported by llamacpp at this moment");
    if (type !== 'input_text' && type !== 'input_image') {
      refuse("'type' must be one of 'input_text', 'input_image', or 'input_file'");
    }
  }
}

function checkAssistant(parts: readonly Body[]): void {
  for (const { type, text, refusal } of parts) {
    if (type === 'refusal' && !isText(refusal)) refuse("'Refusal' requires 'refusal'");
    if (type === 'refusal') continue;
    if (type !== 'output_text' && type !== 'input_text') refuse("'type' must be one of 'output_text' or 'refusal'");
    if (!isText(text)) refuse("'Output text' requires 'text'");
  }
}

function checkOutput(output: readonly unknown[]): void {
  for (const { type, image_url: image } of output.map(objectIn)) {
    if (type === undefined) refuse("Output of tool call missing 'type' field");
    if (type !== 'input_text' && type !== 'input_image') {
      refuse("Output of tool call should be 'Input text' or 'Input image'");
    }
    if (type === 'input_image' && image === undefined) refuse("'image_url' is required");
  }
}

function checkReasoning(content: unknown): void {
  if (!Array.isArray(content)) refuse("item['content'] is not an array");
  if (content.length === 0) refuse("item['content'] is empty");
  if (!isText(objectsIn(content)[0]?.['text'])) refuse("item['content']['text'] is not a string");
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function refuse(message: string): never {
  throw new ApiFailure(400, message);
}
