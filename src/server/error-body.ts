import { objectText, text } from '../protocols/json/write.ts';
import { errorEvent } from '../protocols/responses/stream-dialect.ts';

/** The protocol in which a route reports errors. */
export type ErrorDialect = 'ollama' | 'openai' | 'responses' | 'anthropic';

/** What an error says, whoever reports it. */
export interface ErrorWords {
  readonly status: number;
  readonly message: string;
  readonly code?: string | undefined;
  readonly param?: string | undefined;
  readonly requestId?: string | undefined;
}

/** Which protocol's clients call this path, whether or not there is such a route. `/v1/systemone` is Ollama's own. */
export function dialectOf(path: string): ErrorDialect {
  if (/^\/v1\/messages(\/|$)/.test(path)) return 'anthropic';
  if (path === '/v1/responses') return 'responses';
  return /^\/(v1(?!\/systemone$)|v2|rerank|reranking)(\/|$)/.test(path) ? 'openai' : 'ollama';
}

/** An error as clients of the dialect read it. */
export function errorBody(dialect: ErrorDialect, words: ErrorWords): string {
  const { status, message, code, param, requestId } = words;
  switch (dialect) {
    case 'ollama':
      return objectText({ error: text(message) });
    case 'openai':
    case 'responses': {
      const error = {
        message: text(message),
        type: text(openaiType(status)),
        param: text(param ?? null),
        code: text(code ?? null),
      };
      return objectText({ error: objectText(error) });
    }
    case 'anthropic': {
      const error = objectText({ type: text(anthropicType(status)), message: text(message) });
      return objectText({ type: text('error'), error, request_id: text(requestId) });
    }
  }
}

/** The same in a stream that has begun with nothing but signs of life. */
export function errorInStream(dialect: ErrorDialect, words: ErrorWords): string {
  const body = errorBody(dialect, words);
  if (dialect === 'ollama') return `${body}\n`;
  if (dialect === 'responses') return errorEvent(words.message, words.code);
  return dialect === 'anthropic' ? `event: error\ndata: ${body}\n\n` : `data: ${body}\n\n`;
}

const OPENAI_TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  429: 'rate_limit_error',
};
const ANTHROPIC_TYPES: Readonly<Record<number, string>> = {
  ...OPENAI_TYPES,
  404: 'not_found_error',
  413: 'request_too_large',
  503: 'overloaded_error',
  529: 'overloaded_error',
};

function openaiType(status: number): string {
  return OPENAI_TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'server_error');
}

function anthropicType(status: number): string {
  return ANTHROPIC_TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error');
}
