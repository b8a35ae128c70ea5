import { EndpointFailure } from '../errors.ts';
import type { UpstreamRequest } from './client.ts';

/** What cannot end its line, nor become a line end when its characters are cut to bytes. */
const HEADER_LINE = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+: [\t\x20-\x7e\x80-\xff]*$/;
const TARGET = /^\/[\x21-\x7e\x80-\xff]*$/;

/** Whom a request is for: host and port, and what its paths begin with. */
interface Authority {
  readonly authority: string;
  readonly prefix: string;
}

/** The text that opens a request. Throws `EndpointFailure` for what would be read as more than one line. */
export function requestHead(
  { method, path, headers, body }: UpstreamRequest,
  { authority, prefix }: Authority,
): string {
  if (!TARGET.test(path)) throw new EndpointFailure('invalid', 'was to be asked for a path that is none');
  let head = `${method} ${prefix}${path} HTTP/1.1\r\nHost: ${authority}\r\n`;
  for (let i = 0; i < headers.length; i += 2) {
    const line = `${headers[i]}: ${headers[i + 1]}`;
    if (!HEADER_LINE.test(line)) throw new EndpointFailure('invalid', 'was to be sent a header that is none');
    head += `${line}\r\n`;
  }
  return `${head}${framing(method, body)}\r\n`;
}

function framing(method: string, body: UpstreamRequest['body']): string {
  if (body === undefined) return method === 'POST' ? 'Content-Length: 0\r\n' : '';
  const length = Buffer.isBuffer(body) ? body.length : body.size;
  return length === undefined ? 'Transfer-Encoding: chunked\r\n' : `Content-Length: ${length}\r\n`;
}
