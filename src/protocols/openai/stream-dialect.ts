import { asArray, asObject } from '../../domain/json.ts';
import { objectText, text } from '../json/write.ts';
import type { StreamDialect } from '../sse-pipe.ts';
import { errorOf } from './answer-decoder.ts';
import { readUsage } from './usage.ts';

/** Streams of chat completions and completions: each choice says why it stopped. */
export const CHOICES: StreamDialect = {
  markers: ['"finish_reason":"', '"finish_reason": "', '"usage"', '"timings"', '"error"', '[DONE]'],
  finished: (record) =>
    asArray(record['choices']).filter((choice) => typeof asObject(choice)?.['finish_reason'] === 'string').length,
  isError: (record) => errorOf(record) !== undefined,
  readUsage,
  errorEvent,
};

/** The event that OpenAI's clients read as an error in the middle of a stream. */
export function errorEvent(message: string): string {
  const error = { message: text(message), type: text('server_error'), param: 'null', code: text('upstream_lost') };
  return `data: ${objectText({ error: objectText(error) })}\n\n`;
}
