import type { Exchange } from '../exchange.ts';
import type { Host } from '../host.ts';
import { readTranscription, transcribe } from '../transcription.ts';
import { OllamaFailure } from './failure.ts';
import { goJson } from './go-json.ts';
import { middleware } from './middleware.ts';
import { findModel, modelIsRequired, requireCapabilities, schedule, scheduleFailure } from './schedule.ts';
import { plainJsonType } from './sink.ts';
import { v1Error } from './v1-sink.ts';

/** What it keeps of a form in memory, and takes of one. */
const limitBytes = 25 * 1024 * 1024;

/** POST /v1/audio/transcriptions. */
export async function v1Transcription(host: Host, exchange: Exchange): Promise<void> {
  await middleware(exchange, async () => {
    const isLarge = exchange.recording.body.length > limitBytes;
    const request = isLarge ? undefined : await readTranscription(exchange);
    if (request === undefined) throw new OllamaFailure(400, 'failed to parse multipart form');
    if (request.model === '') throw new OllamaFailure(400, 'model is required');
    if (request.file === undefined) throw new OllamaFailure(400, 'file is required: http: no such file');
    if (request.file.size === 0) throw new OllamaFailure(400, 'audio file is empty');
    const work = async () => {
      const model = findModel(host, request.model, modelIsRequired);
      requireCapabilities(model, request.model, ['completion', 'audio'], 'chat');
      using use = await schedule(host, model, {}, exchange);
      const { text } = await transcribe(host, use.loaded, request, exchange).catch((error: unknown) => {
        throw scheduleFailure(error);
      });
      if (request.format === 'text') return exchange.send(200, [['Content-Type', 'text/plain']], text);
      return exchange.send(200, plainJsonType, `${goJson({ text })}\n`);
    };
    const refuse = (status: number, body: object) => {
      const message = 'error' in body ? String(body.error) : '';
      return exchange.send(status, plainJsonType, `${goJson(v1Error(status, message))}\n`);
    };
    return { sink: { json: refuse }, work };
  });
}
