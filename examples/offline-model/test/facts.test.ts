import { describe, expect, it } from "@jest/globals";
import { reply } from "../src/offline-model.ts";

function ask(...said: string[]): string {
  return reply(said.map((content) => ({ role: "user", content })));
}

describe("the offline model answers from what it was told", () => {
  it.each([
    ["My name is Alice.", "What is my name?", "Your name is Alice."],
    ["Hi, I'm Alice!", "What's my name?", "You are Alice."],
    ["My name is Alice", "what is my name", "Your name is Alice."],
    ["Call me Al", "Do you remember my name?", "Your name is Al."],
    ["My favourite colour is blue.", "What is my favorite color?", "Your favourite colour is blue."],
    [
      "My favorite colors are blue and green",
      "Tell me what my favourite colour is?",
      "Your favorite colors are blue and green.",
    ],
    ["I live in Lisbon.", "Where do I live?", "You live in Lisbon."],
    ["I live in Lisbon.", "Do you know where I live?", "You live in Lisbon."],
    ["I am allergic to peanuts", "What am I allergic to?", "You are allergic to peanuts."],
    [
      "I’m allergic to peanuts and nuts",
      "And do you still know what I'm allergic to?",
      "You are allergic to peanuts and nuts.",
    ],
    ["I have a dog called Rex", "What is my dog called?", "You have a dog called Rex."],
    ["My dog is called Rex", "What is the name of my dog?", "Your dog is called Rex."],
    ["My dog's name is Rex", "What's my dog's name?", "Your dog's name is Rex."],
    ["I work at example.com.", "Where do I work?", "You work at example.com."],
    ["My birthday is on 1 May", "When is my birthday?", "Your birthday is on 1 May."],
    ["My sister's name is Ann. My name is Bo.", "What is my sister's name?", "Your sister's name is Ann."],
  ])("%s %s", (fact, question, answer) => {
    expect(ask(fact, "It rains.", question)).toBe(answer);
  });

  it("and says that it does not know other things", () => {
    expect(ask("What is my name?")).toBe("I do not know.");
    expect(ask("My name is Alice.", "Where do I live?")).toBe("I do not know.");
    expect(ask("My name is Alice.", "Why is the sky blue?")).toBe("I do not know.");
  });

  it("by the latest fact about a topic", () => {
    expect(ask("I live in Lisbon.", "I live in Porto.", "Where do I live?")).toBe("You live in Porto.");
  });

  it("question by question", () => {
    expect(ask("My name is Alice. I live in Lisbon.", "What is my name? Where do I live? What is my age?")).toBe(
      "Your name is Alice. You live in Lisbon. I do not know.",
    );
  });

  it("only if the user said it", () => {
    const messages = [
      { role: "system" as const, content: "My name is Bob." },
      { role: "assistant" as const, content: "My name is Carol." },
      { role: "user" as const, content: "What is my name?" },
    ];
    expect(reply(messages)).toBe("I do not know.");
  });

  it("also if the content came in parts", () => {
    const content = [
      { type: "text", text: "My name is Alice." },
      { type: "image_url", image_url: { url: "data:," } },
      { type: "text", text: "What is my name?" },
    ];
    expect(reply([{ role: "user", content }])).toBe("Your name is Alice.");
  });
});

describe("the offline model takes note", () => {
  it("of facts", () => {
    expect(ask("Hello, my name is Alice. I am from Lisbon.")).toBe("Noted: your name is Alice. You are from Lisbon.");
  });

  it("and otherwise just listens", () => {
    expect(ask("Hello!")).toBe("I see.");
    expect(reply([])).toBe("I see.");
  });
});
