import type { RawJson } from '../../domain/ask.ts';
import { objectText, text } from '../json/write.ts';

/** A server-sent event of Anthropic's streams, which says its type twice. */
export function event(type: string, members: Readonly<Record<string, RawJson | undefined>> = {}): string {
  return `event: ${type}\ndata: ${objectText({ type: text(type), ...members })}\n\n`;
}

/** The event that ends a broken stream. */
export function errorEvent(message: string): string {
  return event('error', { error: objectText({ type: text('api_error'), message: text(message) }) });
}
