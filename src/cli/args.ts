import { parseArgs as tokenize } from 'node:util';
import { suggestion } from '../config/nearest.ts';
import type { Overrides } from '../config/overrides.ts';

/** What a command line asks for. */
export type Command =
  | { readonly name: 'serve' | 'check-config' | 'demo'; readonly overrides: Overrides }
  | { readonly name: 'version' }
  | { readonly name: 'help'; readonly text: string }
  | { readonly name: 'wrong'; readonly message: string; readonly exitCode: 2 };

type Runnable = 'serve' | 'check-config' | 'demo';

/** The options of each command; every one takes these two beside them. */
const COMMANDS: Readonly<Record<Runnable, readonly string[]>> = {
  serve: ['config', 'host', 'port', 'endpoint'],
  'check-config': ['config', 'host', 'port', 'endpoint'],
  demo: ['host', 'port'],
};
const EVERYWHERE = ['help', 'version'];

const OPTIONS = {
  config: { type: 'string', short: 'c' },
  host: { type: 'string', short: 'H' },
  port: { type: 'string', short: 'p' },
  endpoint: { type: 'string', multiple: true },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const;

const HELP = `nomyo-router - one port in front of many Ollama, llama.cpp and OpenAI-compatible servers

Usage
  nomyo-router [serve] [options]    start the router (what it does without a command)
  nomyo-router check-config [...]   check the configuration and show what is in effect; starts nothing
  nomyo-router demo [-H -p]         try it with simulated endpoints; needs no GPU and no configuration

Options
  -c, --config FILE     the configuration; default: config.yaml in the working directory, if there is one
  -H, --host HOST       address to listen on; default 127.0.0.1 (this machine only), 0.0.0.0 for all
  -p, --port PORT       port to listen on; default 12434, 0 for any free one
      --endpoint URL    an endpoint, in place of those in the file; may be given more than once.
                        A URL with /v1 is an OpenAI-compatible server, any other an Ollama
  -h, --help            this text
  -v, --version         the version

Environment
  NOMYO_ROUTER_CONFIG_PATH                  the configuration, as --config
  NOMYO_ROUTER_HOST, NOMYO_ROUTER_PORT      as --host and --port
  NOMYO_ROUTER_API_KEY                      the key clients must send, where the file has none
  NOMYO_ROUTER_DB_PATH, NOMYO_ROUTER_CACHE_*   as the file's db_path and cache_*
  An option beats the environment, the environment beats the file (but for NOMYO_ROUTER_API_KEY).

Without a configuration and without --endpoint the Ollama at http://127.0.0.1:11434 is the endpoint.

Exit codes
  0 stopped as asked   1 failed   2 wrong command line   3 wrong configuration   4 cannot listen on the port
`;

/** Reads a command line without program and script. Asking for help or the version wins over everything else. */
export function parseArgs(argv: readonly string[]): Command {
  const { tokens } = tokenize({
    args: [...argv],
    options: OPTIONS,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const options = tokens.filter((token) => token.kind === 'option');
  if (options.some((option) => option.name === 'help')) return { name: 'help', text: HELP };
  if (options.some((option) => option.name === 'version')) return { name: 'version' };
  const [word = 'serve', ...rest] = tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : []));
  if (word === 'help') return { name: 'help', text: HELP };
  if (word === 'version') return { name: 'version' };
  // What stands behind a mistyped option looks like a word too many: options first.
  const problem = problemOfOptions(isRunnable(word) ? word : 'serve', options) ?? problemOfWords(word, rest);
  if (problem !== undefined || !isRunnable(word)) return wrong(problem ?? '');
  return { name: word, overrides: options.reduce(withOption, {}) };
}

/** An option as it stands on the command line. */
interface Option {
  readonly name: string;
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

function problemOfWords(word: string, rest: readonly string[]): string | undefined {
  if (!isRunnable(word)) return `unknown command "${word}"${suggestion(word, Object.keys(COMMANDS))}`;
  return rest[0] === undefined ? undefined : `"${rest[0]}" is one word too many`;
}

function problemOfOptions(command: Runnable, options: readonly Option[]): string | undefined {
  return options.map((option) => problemOf(command, option)).find((problem) => problem !== undefined);
}

function problemOf(command: Runnable, { name, rawName, value, inlineValue }: Option): string | undefined {
  const valid = COMMANDS[command];
  if (!Object.hasOwn(OPTIONS, name)) {
    return `unknown option "${rawName}"${suggestion(
      rawName,
      [...valid, ...EVERYWHERE].map((option) => `--${option}`),
    )}`;
  }
  if (!valid.includes(name)) return `${rawName} means nothing to "${command}"`;
  if (!value || (!inlineValue && value.startsWith('-'))) return `${rawName} needs a value`;
  if (name === 'port' && !isPort(value)) return `${rawName} must be a whole number from 0 to 65535, got "${value}"`;
  return undefined;
}

function withOption(overrides: Overrides, { name, value = '' }: Option): Overrides {
  if (name === 'port') return { ...overrides, port: Number(value) };
  if (name === 'endpoint') return { ...overrides, endpoints: [...(overrides.endpoints ?? []), value] };
  return { ...overrides, [name]: value };
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535;
}

function isRunnable(word: string): word is Runnable {
  return Object.hasOwn(COMMANDS, word);
}

function wrong(message: string): Command {
  return { name: 'wrong', message: `${message}\nTry "nomyo-router --help".`, exitCode: 2 };
}
