import type { ChatCompletionRequest, ChatMessage } from "@copilotkit/aimock";
import { factsIn, questionsIn } from "./facts.ts";
import { type ModelServer, type ModelServerOptions, serveModel } from "./model-server.ts";

/**
 * Starts a stand-in for a model, over real HTTP: it notes what it is told and answers questions about that. It keeps
 * nothing between two requests, so it knows only the request's messages. A right answer shows that the sender
 * remembers.
 */
export function startOfflineModel(options: Pick<ModelServerOptions, "wordMs" | "port"> = {}): Promise<ModelServer> {
  return serveModel({ ...options, model: "offline", answer: ({ messages }) => ({ text: reply(messages) }) });
}

/** The answer to the last message, from what the user said in all messages. */
export function reply(messages: ChatCompletionRequest["messages"]): string {
  const said = messages.filter(({ role }) => role === "user").map(textOf);
  const last = said.at(-1) ?? "";
  const questions = questionsIn(last);
  if (questions.length > 0) return answerTo(questions, said.join("\n"));
  const news = factsIn(last);
  return news.length > 0 ? `Noted: ${lowerFirst(news.map((fact) => fact.saidBack).join(" "))}` : "I see.";
}

function answerTo(questions: readonly (string | undefined)[], said: string): string {
  const known = new Map(factsIn(said).map((fact) => [fact.topic, fact.saidBack])); // the last fact about a topic wins
  const answers = questions.map((topic) => (topic === undefined ? undefined : known.get(topic)) ?? "I do not know.");
  return answers.join(" ");
}

function textOf({ content }: ChatMessage): string {
  if (typeof content === "string") return content;
  return (content ?? []).map((part) => part.text ?? "").join(" ");
}

function lowerFirst(text: string): string {
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`;
}
