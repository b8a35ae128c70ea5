/** What an endpoint says it cannot do, as far as its words are known. */
export type Inability =
  /** The prompt is longer than the context; with the tokens of both where they are told. */
  | { readonly of: 'context'; readonly promptTokens?: number; readonly contextTokens?: number }
  | { readonly of: 'tools' }
  | { readonly of: 'images' }
  | { readonly of: 'thinking' }
  /** It has no such route. */
  | { readonly of: 'route' }
  /** The request is at fault in itself, though the status may say otherwise. */
  | { readonly of: 'request' }
  /** It has no such model, or not any more, or cannot load it. */
  | { readonly of: 'model' };

/**
 * Context overflow in the words of llama-server (also inside Ollama's error), of vLLM and OpenAI, and of Ollama itself.
 * The two groups are the prompt's tokens and the context's, in the order of `first`.
 */
const OVERFLOWS: readonly { readonly pattern: RegExp; readonly first: 'prompt' | 'context' | undefined }[] = [
  { pattern: /request \((\d+) tokens\) exceeds the available context size \((\d+) tokens\)/i, first: 'prompt' },
  { pattern: /input \((\d+) tokens\) is larger than the max context size \((\d+) tokens\)/i, first: 'prompt' },
  {
    pattern:
      /maximum context length is (\d+) tokens\b.*?(?:resulted in|requested|request has) (\d+) (?:input )?tokens/is,
    first: 'context',
  },
  {
    pattern: /maximum (?:context|input) length is \d+ tokens|exceed_context_size|context_length_exceeded/i,
    first: undefined,
  },
  {
    pattern: /exceeds? (?:the |available |maximum |model'?s? )*(?:context|input) (?:length|size|window)/i,
    first: undefined,
  },
  { pattern: /prompt is too long: (\d+) tokens > (\d+) maximum/i, first: 'prompt' },
  { pattern: /input(?: \(\d+ tokens\))? is too large to process|prompt is too long/i, first: undefined },
  { pattern: /longer than the (?:maximum )?(?:model|context) length|context length exceeded/i, first: undefined },
];

const TOOLS =
  /does not support tools|tools param requires|tool choice requires|\btools?['"]? (?:is|are|use is) not supported/i;
const IMAGES =
  /image input is not supported|not a multimodal model|does not support (?:images?|vision|image input|multimodal)|image_url is only supported|images? (?:is|are) not supported/i;
const THINKING = /does not support thinking/i;
/**
 * How servers, web frameworks and the proxies before them say that there is no such route. Whole texts or their beginnings:
 * a client's own words may come back in an error.
 */
const NO_ROUTE =
  /^(?:404 )?page not found$|^file not found$|^not found\.?$|^\{"detail":"not found"\}$|^invalid url\b|^(?:unknown|no such) (?:url|route|path|endpoint)\b|^no route\b|^cannot post \/|^route\b.* not found$|^method not allowed$|answered 40[45]$|^<(?:!doctype )?html/i;
const MODEL = /^model (?:name=)?.*(?:not found|is not loaded|failed to load)\b/i;
/** What llama-server says with status 500 of requests that it cannot read or serve. */
const REQUEST = /^audio input is not supported|^failed to parse\b|\btype must be \w+, but is\b/i;
/** The answer asked for is too long, and not the prompt. */
const TOO_MUCH_WANTED = /max_(?:completion_|output_)?tokens\W.*too (?:large|high|big)/i;

/** What matters stands at the beginning; some servers repeat the whole request behind it. In characters. */
const MAX_WORDS = 4_000;

/** What the refusal says, in which words of which server ever; undefined where it is anything else. */
export function inabilityIn(status: number, whole: string): Inability | undefined {
  const message = whole.slice(0, MAX_WORDS);
  const overflow = overflowIn(message);
  if (overflow !== undefined) return overflow;
  if (TOOLS.test(message)) return { of: 'tools' };
  if (IMAGES.test(message)) return { of: 'images' };
  if (THINKING.test(message)) return { of: 'thinking' };
  if (MODEL.test(message)) return { of: 'model' };
  if (REQUEST.test(message)) return { of: 'request' };
  return saysNoRoute(status, message) ? { of: 'route' } : undefined;
}

function saysNoRoute(status: number, message: string): boolean {
  if (status === 405) return true;
  // What a model or the way a server was started does not allow is said with 501, too.
  if (status === 501) return !/model|embedding|rerank|--/i.test(message);
  return status === 404 && NO_ROUTE.test(message);
}

/** What vLLM adds up where prompt and answer together are too long; old OpenAI models say it too. */
const BOTH_PARTS =
  /maximum context length is (\d+) tokens\b.*?\((\d+) in (?:the|your) (?:messages|prompt)[,;] (\d+) (?:in|for) the completion\)/is;

function overflowIn(message: string): Inability | undefined {
  if (TOO_MUCH_WANTED.test(message)) return undefined;
  const parts = BOTH_PARTS.exec(message)?.slice(1).map(Number);
  if (parts !== undefined) return ofBothParts(parts);
  for (const { pattern, first } of OVERFLOWS) {
    const found = pattern.exec(message);
    if (found === null) continue;
    const [one, two] = [Number(found[1]), Number(found[2])];
    if (first === undefined || !(two > 0)) return { of: 'context' };
    const [promptTokens, contextTokens] = first === 'prompt' ? [one, two] : [two, one];
    return { of: 'context', promptTokens, contextTokens };
  }
  return undefined;
}

/** The prompt may have what the answer leaves of the context; where that is nothing, no shorter prompt would help. */
function ofBothParts([context = 0, promptTokens = 0, answer = 0]: readonly number[]): Inability | undefined {
  const contextTokens = context - answer;
  return contextTokens > 0 ? { of: 'context', promptTokens, contextTokens } : undefined;
}
