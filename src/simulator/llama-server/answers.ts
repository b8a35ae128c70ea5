import type { Exchange } from '../exchange.ts';
import { ApiFailure } from '../openai/failure.ts';

const jsonType = ['Content-Type', 'application/json; charset=utf-8'] as const;

/** The error types by status. */
const types: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  500: 'server_error',
  501: 'not_supported_error',
  503: 'unavailable_error',
};

/** Answers with JSON. */
export async function json(exchange: Exchange, body: object): Promise<void> {
  await exchange.send(200, [jsonType], JSON.stringify(body));
}

/** The error object: an int code, no param. For what is not found it comes from elsewhere in the server, in another order. */
export function errorObject({ status: code, message, type: ownType, more }: ApiFailure): object {
  const type = ownType ?? types[code] ?? 'server_error';
  return { error: code === 404 ? { message, type, code } : { code, message, type, ...more } };
}

/** Answers with an error; llama-server closes the connection after one. */
export async function sendFailure(exchange: Exchange, failure: ApiFailure): Promise<void> {
  exchange.sendsChunked = false;
  await exchange.send(failure.status, [jsonType, ['Connection', 'close']], JSON.stringify(errorObject(failure)));
}

export function fileNotFound(): ApiFailure {
  return new ApiFailure(404, 'File Not Found');
}
