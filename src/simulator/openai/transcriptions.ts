import { readTranscription, transcribe } from '../transcription.ts';
import type { Work } from './work.ts';

const textType = [['Content-Type', 'text/plain; charset=utf-8']] as const;

/** POST /v1/audio/transcriptions. */
export async function transcription({ host, exchange, dialect }: Work): Promise<void> {
  const request = dialect.checkTranscription(await readTranscription(exchange));
  const model = dialect.model(host, request.model, 'audio');
  using use = await host.machine.use(model, {}, exchange.signal);
  const { text, promptTokens, completionTokens } = await transcribe(host, use.loaded, request, exchange);
  if (request.format === 'text') return exchange.send(200, textType, `${text}\n`);
  const tokens = { input_tokens: promptTokens, output_tokens: completionTokens };
  const usage = { type: 'tokens', ...tokens, total_tokens: promptTokens + completionTokens };
  await exchange.send(200, dialect.style.jsonHeaders, JSON.stringify({ text, usage }));
}
