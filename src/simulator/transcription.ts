import type { Call } from './call.ts';
import type { Exchange } from './exchange.ts';
import { SilentEnd } from './generation.ts';
import type { Host } from './host.ts';
import type { LoadedModel } from './loaded-model.ts';

/** A request with sound; every field is as it was sent, `''` where it was not. */
export interface TranscriptionRequest {
  readonly model: string;
  /** Undefined: there was none. */
  readonly file: { readonly name: string; readonly size: number } | undefined;
  readonly language: string;
  readonly prompt: string;
  readonly format: string;
  readonly temperature: string;
}

/** Reads a multipart body; undefined where it is none, or a broken one. */
export async function readTranscription(exchange: Exchange): Promise<TranscriptionRequest | undefined> {
  const form = await formOf(exchange);
  if (form === undefined) return undefined;
  const text = (name: string) => {
    const value = form.get(name);
    return typeof value === 'string' ? value : '';
  };
  const file = form.get('file');
  return {
    model: text('model'),
    file: file === null || typeof file === 'string' ? undefined : { name: file.name, size: file.size },
    language: text('language'),
    prompt: text('prompt'),
    format: text('response_format') || 'json',
    temperature: text('temperature'),
  };
}

async function formOf(exchange: Exchange): Promise<FormData | undefined> {
  const type = exchange.header('content-type') ?? '';
  if (!type.startsWith('multipart/form-data')) return undefined;
  try {
    return await new Response(new Uint8Array(exchange.recording.body), {
      headers: { 'Content-Type': type },
    }).formData();
  } catch {
    return undefined;
  }
}

/** What the model hears: who listened, to how many bytes, and what it was told beside them. */
export async function transcribe(
  host: Host,
  loaded: LoadedModel,
  request: TranscriptionRequest,
  exchange: Exchange,
): Promise<{ readonly text: string; readonly promptTokens: number; readonly completionTokens: number }> {
  const { file, language, prompt } = request;
  const told = [language && `language ${language}`, prompt && `prompt ${prompt}`].filter((part) => part !== '');
  const answer = [`${loaded.model.name} heard ${file?.size ?? 0} bytes of ${file?.name ?? ''}`, ...told].join(', ');
  const call: Call = {
    model: { ...loaded.model, answer },
    prompt: `transcribe ${file?.name ?? ''} ${file?.size ?? 0} ${prompt}`,
    messages: [],
    tools: [],
    toolChoice: 'none',
    think: false,
    stop: [],
    maxTokens: Number.POSITIVE_INFINITY,
  };
  let text = '';
  let usage = { promptTokens: 0, completionTokens: 0 };
  try {
    for await (const event of host.answer(loaded, call, exchange)) {
      if (event.type === 'text') text += event.text;
      if (event.type === 'finish') usage = event.usage;
    }
  } catch (error) {
    if (!(error instanceof SilentEnd)) throw error;
  }
  return { text, ...usage };
}
