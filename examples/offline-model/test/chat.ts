import type { ModelServer } from "../src/index.ts";

export interface Chunk {
  choices: { delta: { content?: string; tool_calls?: unknown[] }; finish_reason: string | null }[];
}

/** The server's answer to these messages: the chunks of its stream, or the error. */
export async function chat(
  server: ModelServer,
  messages: object[],
  metadata?: object,
): Promise<{ status: number; chunks: Chunk[]; error?: string }> {
  const response = await fetch(`${server.baseURL}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${server.apiKey}` },
    body: JSON.stringify({ model: server.model, stream: true, messages, metadata }),
  });
  const text = await response.text();
  if (!response.ok) return { status: response.status, chunks: [], error: JSON.parse(text).error.message };
  const data = text
    .split("\n\n")
    .flatMap((event) => (event.startsWith("data: {") ? [event.slice("data: ".length)] : []));
  return { status: response.status, chunks: data.map((chunk) => JSON.parse(chunk) as Chunk) };
}

/** The pieces of text in a stream. */
export function piecesOf(chunks: readonly Chunk[]): string[] {
  return chunks.flatMap(({ choices }) => choices[0]?.delta.content || []);
}
