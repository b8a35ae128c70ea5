import type { Exchange, HeaderPairs } from '../exchange.ts';

const localOrigin =
  /^(https?:\/\/(localhost|127\.0\.0\.1|0\.0\.0\.0)(:\d+)?|(app|file|tauri|vscode-webview|vscode-file):\/\/.*)$/;

const preflightHeaders: HeaderPairs = [
  [
    'Access-Control-Allow-Headers',
    'Authorization,Content-Type,User-Agent,Accept,X-Requested-With,Openai-Beta,X-Stainless-Arch,X-Stainless-Async,X-Stainless-Custom-Poll-Interval,X-Stainless-Helper-Method,X-Stainless-Lang,X-Stainless-Os,X-Stainless-Package-Version,X-Stainless-Poll-Helper,X-Stainless-Retry-Count,X-Stainless-Runtime,X-Stainless-Runtime-Version,X-Stainless-Timeout',
  ],
  ['Access-Control-Allow-Methods', 'GET,POST,PUT,PATCH,DELETE,HEAD,OPTIONS'],
  ['Access-Control-Max-Age', '43200'],
];

/** Answers what Ollama refuses or answers before routing: foreign hosts and origins, preflights. True when answered. */
export async function answeredBeforeRouting(exchange: Exchange, origins: readonly string[]): Promise<boolean> {
  const origin = exchange.header('origin');
  const host = exchange.header('host') ?? '';
  if (!isLocalHost(host)) return refuse(exchange);
  if (origin === undefined || origin === `http://${host}` || origin === `https://${host}`) return false;
  if (!localOrigin.test(origin) && !origins.includes(origin) && !origins.includes('*')) return refuse(exchange);
  const allow: HeaderPairs = [
    ['Access-Control-Allow-Origin', origin],
    ['Vary', 'Origin'],
  ];
  if (exchange.method !== 'OPTIONS') {
    exchange.addHeaders(allow);
    return false;
  }
  await exchange.send(204, [...preflightHeaders, ...allow], '');
  return true;
}

async function refuse(exchange: Exchange): Promise<true> {
  await exchange.send(403, [], '');
  return true;
}

/** Loopback, private or own: what a server that listens on loopback accepts. */
function isLocalHost(authority: string): boolean {
  const host = authority.replace(/:\d+$/, '').toLowerCase();
  if (host === '' || /^(localhost|\[::1?\]|127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|0\.0\.0\.0)/.test(host))
    return true;
  return /\.(localhost|local|internal)$/.test(host);
}
