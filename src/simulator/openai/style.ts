import type { HeaderPairs } from '../exchange.ts';
import type { Usage } from '../generation.ts';

/** Where the kinds that speak OpenAI's protocol differ in what they write. */
export interface Style {
  readonly streamHeaders: HeaderPairs;
  readonly jsonHeaders: HeaderPairs;
  /** Beginnings of ids: `chatcmpl-`, `cmpl-`. */
  readonly chatId: string;
  readonly completionId: string;
  /** `content` of the first delta. */
  readonly firstContent: '' | null;
  /** Where reasoning goes; undefined: it is counted and not shown. */
  readonly reasoningField: string | undefined;
  /** The delta beside the finish reason. */
  readonly finishDelta: object;
  /** Fields that every choice of a chat has. */
  readonly chatChoice: object;
  /** Fields that every choice of a completion has. */
  readonly completionChoice: object;
  /** Whether every token stands with its number beside its probability. */
  readonly tokenIds: boolean;
  /** llama-server writes the choices before everything else. */
  readonly choicesFirst: boolean;
  /** Whether all other records carry `usage: null` when usage was asked for. */
  readonly nullUsage: boolean;
  /** llama-server keeps several answers apart: each prompt's has its own usage, asked for or not, and a null before it; whole ones tell only the first one's. */
  readonly promptsApart: boolean;
  /** Fields beside id, object, created, model and choices. */
  readonly envelope: object;
  usage(usage: Usage, reasoningTokens: number): object;
  /** Fields of the last record, or of a whole answer. */
  lastFields(usage: Usage): object;
  /** A tool call's id. */
  toolCallId(id: string): string;
  /** A message's fields beside role, content, reasoning and tool calls. */
  readonly messageFields: object;
  /** What a broken stream ends with: the data of its last records. */
  brokenStream(message: string): readonly string[];
}
