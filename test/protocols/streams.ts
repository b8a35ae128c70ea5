/** Streams as endpoints of each kind send them, for the pipes' tests. Words beyond ASCII, so that cuts hit characters. */

const chunk = (choice: string, rest = '') =>
  `{"id":"c-1","object":"chat.completion.chunk","created":1,"model":"up","choices":[{"index":0,${choice}}]${rest}}`;

/** Records of one answer: role, text, reasoning in both spellings, finish, usage. */
export const RECORDS: readonly string[] = [
  chunk('"delta":{"role":"assistant","content":null},"finish_reason":null'),
  chunk('"delta":{"reasoning_content":"hm ☕"},"finish_reason":null'),
  chunk('"delta":{"reasoning":"hm é"},"finish_reason":null'),
  chunk('"delta":{"content":"Grüße, \\"world\\" 😀"},"finish_reason":null', ',"usage":null'),
  chunk('"delta":{"content":"!\\n\\n"},"finish_reason":null'),
  chunk('"delta":{},"finish_reason":"stop"'),
  '{"id":"c-1","object":"chat.completion.chunk","created":1,"model":"up","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5}}',
];

/** Records of an answer that calls two tools, in fragments. */
export const TOOL_RECORDS: readonly string[] = [
  chunk('"delta":{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]}'),
  chunk('"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\\"city\\":\\"Köln"}}]}'),
  chunk('"delta":{"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":""}}]}'),
  chunk('"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\\"}"}}]}'),
  chunk('"delta":{},"finish_reason":"tool_calls"'),
];

/** The records as a stream whose lines end so; comments between them, as llama-server sends them. */
export function sse(records: readonly string[], end = '\n'): string {
  return `: hello${end}${end}${records.map((record) => `data: ${record}${end}${end}`).join(`:${end}${end}`)}`;
}

export const DONE = 'data: [DONE]\n\n';

/** A stream that uses what the format allows: several data lines, no space, other fields. */
export const ODD_SSE = [
  'event: message\nid: 7\ndata: {"choices":[{"index":0,\ndata: "delta":{"content":"é"}}]}\n\n',
  'data:{"choices":[{"index":0,"delta":{"content":"x"}}]}\nretry: 5\n\n',
  'data: {"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}\n\ndata:[DONE]\n\n',
].join('');
