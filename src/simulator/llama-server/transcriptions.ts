import { ApiFailure } from '../openai/failure.ts';
import { readTranscription, transcribe } from '../transcription.ts';
import { json } from './answers.ts';
import type { Work } from './infer.ts';

/** POST /v1/audio/transcriptions. */
export async function transcription({ host, loaded, exchange }: Work): Promise<void> {
  if (!loaded.model.capabilities.includes('audio')) {
    throw new ApiFailure(501, 'The current model does not support audio input.');
  }
  const request = await readTranscription(exchange);
  if (request?.file === undefined) throw new ApiFailure(400, 'No input file found for transcription');
  if (request.format !== 'json') {
    throw new ApiFailure(400, "Only 'json' response_format is supported for transcription");
  }
  const { text, promptTokens, completionTokens } = await transcribe(host, loaded, request, exchange);
  const tokens = { input_tokens: promptTokens, output_tokens: completionTokens };
  const usage = { type: 'tokens', ...tokens, total_tokens: promptTokens + completionTokens };
  await json(exchange, { type: 'transcript.text.done', text, usage });
}
