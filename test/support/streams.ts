/** Answers as endpoints gave them, for ordering their bytes with a fault. */

const AT = '"created_at":"2026-08-01T10:00:00.123456789Z"';

export const NDJSON = [
  `{"model":"m",${AT},"message":{"role":"assistant","content":"Gr\u00fc\u00dfe \u{1F600}"},"done":false}`,
  `{"model":"m",${AT},"message":{"role":"assistant","content":" \\u003cb\\u003e 1.0"},"x":1e5,"done":false}`,
  `{"model":"m",${AT},"message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","prompt_eval_count":7,"eval_count":2}`,
  '',
].join('\n');

const CHUNK = '"id":"c-1","object":"chat.completion.chunk","created":1,"model":"m"';

/** Without usage, as it comes where nobody asked for that. */
export const SSE = [
  `data: {${CHUNK},"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}`,
  `data: {${CHUNK}, "choices":[{"index":0,"delta":{"content":"Gr\u00fc\u00dfe \u{1F600}"},"finish_reason":null}]}`,
  ': a comment',
  `data: {${CHUNK},"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`,
  'data: [DONE]',
  '',
].join('\n\n');

/** The same with the usage that was asked for. */
export const SSE_WITH_USAGE = SSE.replace(
  'data: [DONE]',
  `data: {${CHUNK},"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}}\n\ndata: [DONE]`,
);

/** llama-server's, which counts unasked. */
export const SSE_WITH_TIMINGS = SSE.replace(
  '"finish_reason":"stop"}]}',
  '"finish_reason":"stop"}],"timings":{"cache_n":3,"prompt_n":4,"prompt_ms":1.5,"predicted_n":2,"predicted_ms":2.0}}',
);

export const WHOLE_CHAT = `{ "model":"m",${AT},"message":{"role":"assistant","content":"\\u003c \u00fc"},"big":9007199254740993, "done":true,"done_reason":"stop","prompt_eval_count":7,"eval_count":2}`;

export const WHOLE_COMPLETION =
  '{"id":"c-1", "object":"chat.completion","created":1.0,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"\\u003c \u00fc"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}}';

/** A fault that answers these bytes. */
function saying(body: string, type: string): { status: number; body: string; headers: Record<string, string> } {
  return { status: 200, body, headers: { 'Content-Type': type } };
}

export const ndjson = (body = NDJSON) => saying(body, 'application/x-ndjson');
export const sse = (body = SSE) => saying(body, 'text/event-stream');
export const json = (body: string) => saying(body, 'application/json; charset=utf-8');

/** Where to split or to cut a stream of records, in bytes from its start: here and there in each, and at every byte around its end. */
export function tellingPlaces(stream: Buffer): readonly number[] {
  const places = Array.from({ length: stream.length - 1 }, (_, index) => index + 1);
  return places.filter((at) => at % 7 === 0 || stream.subarray(Math.max(0, at - 4), at + 3).includes('\n'));
}
