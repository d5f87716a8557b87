import type { ChatModel, ModelEvent, ModelRequest } from "@deep-agent/core";
import { type Attempt, type ModelFault, type ModelServer, modelFaults } from "./model-server.ts";
import { tagOf } from "./question.ts";
import type { Stage } from "./stage.ts";

/**
 * The model of one agent: a real client of a server that misbehaves at random. The scheduler decides when it is called.
 */
export class FaultyModel implements ChatModel {
  readonly #stage: Stage;
  readonly #server: ModelServer;
  readonly #agent: string;

  constructor(stage: Stage, server: ModelServer, agent: string) {
    this.#stage = stage;
    this.#server = server;
    this.#agent = agent;
  }

  async *generate(request: ModelRequest): AsyncGenerator<ModelEvent> {
    const { scheduler } = this.#stage;
    const attempt = this.#attempt(request);
    const { tag } = attempt.question;
    const turn = this.#stage.ledger.turn(tag);
    turn.modelFault = attempt.fault;
    await this.#stage.park(`${this.#agent} calls the model for ${tag} (fault: ${attempt.fault})`, request.signal);
    const options = { ...request.options, user: attempt.token };
    const events = this.#server
      .modelFor(attempt)
      .generate({ ...request, options })
      [Symbol.asyncIterator]();
    let pieces = 0;
    try {
      for (;;) {
        const step = attempt.fault === "hangs" ? this.#hanging(attempt, pieces, events.next()) : events.next();
        const { value, done } = attempt.fault === "hangs" ? await step : await scheduler.busy(step);
        if (done) return;
        if (value.type === "text") {
          pieces += 1;
          turn.hasSpoken = true;
        }
        yield value;
        if (value.type === "text" && this.#stage.random.chance(0.5)) {
          await this.#stage.park(`${this.#agent} gets more text for ${tag}`, request.signal);
        }
      }
    } finally {
      this.#stage.hanging.delete(tag);
      this.#server.forget(attempt);
      // A stopped model may reject, and its error does not matter.
      await scheduler.busy(Promise.allSettled([events.return?.()]));
    }
  }

  /** After the server has sent everything that it will send, only an abort ends the wait. */
  async #hanging<T>({ hung, after, question }: Attempt, pieces: number, step: Promise<T>): Promise<T> {
    if (pieces < after) return this.#stage.scheduler.busy(step);
    await this.#stage.scheduler.busy(hung.promise);
    this.#stage.hanging.add(question.tag);
    return step;
  }

  #attempt({ messages }: ModelRequest): Attempt {
    const asked = messages.findLast(({ role }) => role === "user");
    const tag = tagOf(asked?.content);
    if (tag === undefined) throw new Error("The model got a question that is not part of the schedule.");
    const fault = this.#drawFault();
    if (fault !== "none") this.#stage.faults += 1;
    return {
      token: this.#stage.nextToken(),
      question: this.#stage.ledger.turn(tag).question,
      fault,
      after: this.#stage.random.below(3),
      received: (sent) => this.#stage.judgeRequest(tag, sent),
      hung: Promise.withResolvers(),
      requests: 0,
    };
  }

  #drawFault(): ModelFault {
    const { random, calm } = this.#stage;
    return calm || !random.chance(0.22) ? "none" : random.pick(modelFaults);
  }
}
