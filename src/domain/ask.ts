/** JSON text, kept as it was written: number digits, key order and unknown keys survive. */
export type RawJson = string;

/** What a client asks of a model, in no protocol's words: what codecs translate from and to. */
export interface Ask {
  /** `chat` fills the model's template from messages, `completion` continues a prompt, `infill` what stands between two texts. */
  readonly kind: 'chat' | 'completion' | 'infill';
  readonly streaming: boolean;
  readonly messages: readonly Message[];
  /** For `completion` and `infill`. */
  readonly prompt: string;
  readonly suffix: string;
  /** An array of OpenAI's tool objects, which Ollama's are too. */
  readonly tools: RawJson | undefined;
  /** Undefined leaves the choice to the model. */
  readonly toolChoice?: ToolChoice | undefined;
  /** Whether the model may call several tools at once. */
  readonly parallelTools?: boolean | undefined;
  readonly format: Format | undefined;
  readonly think: Think | undefined;
  readonly sampling: Sampling;
  /** Alternatives wanted per token; undefined: no log probabilities; 0: those of the chosen tokens alone. */
  readonly topLogprobs: number | undefined;
  /** The prompt is wanted as the model would see it, and no answer. */
  readonly renderOnly?: boolean;
  /** What the client sent that has no place here, in its own words: it is told of it. */
  readonly dropped?: readonly string[];
}

/** A part of an ask that an endpoint may have no name for. */
export type AskPart = keyof Sampling | 'think' | 'reasoning' | 'toolChoice' | 'parallelTools' | 'topLogprobs';

export type Think = boolean | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh' | 'max';

export type ToolChoice = 'auto' | 'none' | 'required' | { readonly name: string };

export type Format =
  | { readonly kind: 'json' }
  | {
      readonly kind: 'schema';
      readonly schema: RawJson;
      /** OpenAI's clients name and describe their schemas and may insist on them to the letter. */
      readonly name?: string | undefined;
      readonly description?: string | undefined;
      readonly strict?: boolean | undefined;
    };

/** A piece of a message's content. */
export type Part =
  | { readonly type: 'text'; readonly text: string }
  /** An image, or sound where a model hears, as base64 without a `data:` prefix; `mediaType` where the client says it. */
  | {
      readonly type: 'media';
      readonly base64: string;
      readonly mediaType?: string | undefined;
      /** How closely to look, as OpenAI's `detail`. */
      readonly detail?: string | undefined;
    }
  /** An image that the endpoint is to fetch: for endpoints outside one's own network only. */
  | { readonly type: 'image-url'; readonly url: string; readonly detail?: string | undefined };

export interface Message {
  readonly role: string;
  readonly content: readonly Part[];
  readonly reasoning: string | undefined;
  readonly toolCalls: readonly ToolCall[];
  /** For role `tool`: the call that it answers, where the client says so, and the tool's name. */
  readonly toolCallId: string | undefined;
  readonly toolName: string | undefined;
}

export interface ToolCall {
  readonly id: string | undefined;
  readonly name: string;
  /** A JSON object's text. */
  readonly arguments: RawJson;
}

/** How to draw tokens; absent leaves it to the model. Numbers as the client wrote them. */
export interface Sampling {
  readonly maxTokens?: RawJson;
  /** Tokens of context to load the model with, which Ollama alone can be told. */
  readonly contextLength?: RawJson;
  readonly temperature?: RawJson;
  readonly topP?: RawJson;
  readonly topK?: RawJson;
  readonly minP?: RawJson;
  readonly typicalP?: RawJson;
  readonly seed?: RawJson;
  readonly stop?: readonly string[];
  readonly presencePenalty?: RawJson;
  readonly frequencyPenalty?: RawJson;
  readonly repeatPenalty?: RawJson;
  readonly repeatLastN?: RawJson;
  readonly keep?: RawJson;
  readonly mirostat?: RawJson;
  readonly mirostatTau?: RawJson;
  readonly mirostatEta?: RawJson;
}

/** Texts to be turned into vectors. */
export interface EmbeddingAsk {
  /** A JSON text or an array of them, as the client wrote it; OpenAI's clients may send numbers of tokens instead. */
  readonly input: RawJson;
  /** How many texts that is: so many vectors must come back. */
  readonly count: number;
  /** Numbers per vector, where the client wants fewer than the model gives. */
  readonly dimensions: number | undefined;
  /** What the client sent that has no place here, in its own words. */
  readonly dropped: readonly string[];
}

/** The vectors of an `EmbeddingAsk`, in its order. */
export interface Vectors {
  readonly vectors: readonly (readonly number[])[];
  readonly promptTokens: number;
}

/** All the text of a content: texts that follow each other on lines of their own, what is no text left out. */
export function textOf(content: readonly Part[]): string {
  const [first] = content;
  if (content.length === 1 && first?.type === 'text') return first.text;
  let text = '';
  content.forEach((part, place) => {
    if (part.type !== 'text') return;
    text += place > 0 && content[place - 1]?.type === 'text' ? `\n${part.text}` : part.text;
  });
  return text;
}
