import { expect, it } from "@jest/globals";
import { busPortOf, freePort } from "../src/free-port.ts";

it("does not give a port again right away, whether or not the first caller uses it yet", async () => {
  const ports = await Promise.all(Array.from({ length: 300 }, () => freePort()));
  expect(new Set([...ports, ...ports.map(busPortOf)]).size).toBe(600);
});
