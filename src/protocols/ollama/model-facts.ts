import { asNumber, asObject, asString, type JsonObject } from '../../domain/json.ts';
import type { Listing } from '../../domain/model.ts';

/** `model_info` of `/api/show`, as far as the endpoint says it. */
export function modelInfo(listing: Listing): JsonObject {
  const { model } = listing;
  const meta = asObject(model.item?.['meta']);
  const info: JsonObject = { 'general.architecture': 'llama', 'general.basename': model.id };
  const parameters = asNumber(meta?.['n_params']);
  const embedding = asNumber(meta?.['n_embd']);
  if (parameters !== undefined) info['general.parameter_count'] = parameters;
  if (model.contextLength !== undefined) info['llama.context_length'] = model.contextLength;
  if (embedding !== undefined) info['llama.embedding_length'] = embedding;
  return info;
}

/** Ollama's `details` of a model that another kind of server has; all texts and lists are there, if empty. */
export function details(listing: Listing): JsonObject {
  const meta = asObject(listing.model.item?.['meta']);
  return {
    parent_model: '',
    format: listing.endpoint.kind === 'llama-server' ? 'gguf' : '',
    family: '',
    families: [],
    parameter_size: parameterSize(asNumber(meta?.['n_params'])),
    quantization_level: asString(meta?.['ftype']) ?? /:((?:i?q|f|bf)\d\w*)$/i.exec(listing.model.id)?.[1] ?? '',
  };
}

/** What the model can do, in Ollama's words. */
export function capabilities({ model, endpoint }: Listing, template: string): string[] {
  const modalities = asObject(model.props?.['modalities']);
  const caps = asObject(model.props?.['chat_template_caps']);
  const isEmbedding = /embed|minilm|bge-|rerank/i.test(model.id);
  const found = [isEmbedding ? 'embedding' : 'completion'];
  if (modalities?.['vision'] === true) found.push('vision');
  if (modalities?.['audio'] === true) found.push('audio');
  if (!isEmbedding && (endpoint.kind !== 'llama-server' || hasTools(caps))) found.push('tools');
  if (/<think>|enable_thinking|reasoning_content/.test(template)) found.push('thinking');
  return found;
}

function hasTools(caps: JsonObject | undefined): boolean {
  return caps?.['supports_tools'] === true || caps?.['supports_tool_calls'] === true;
}

function parameterSize(parameters: number | undefined): string {
  if (parameters === undefined) return '';
  if (parameters >= 1e9) return `${(parameters / 1e9).toFixed(1)}B`;
  return parameters >= 1e6 ? `${(parameters / 1e6).toFixed(2)}M` : `${(parameters / 1e3).toFixed(2)}K`;
}
