import { expect, it } from "@jest/globals";
import { busPortOf, freePort } from "../src/free-port.ts";

it("gives nobody the port that another one was just given, whether or not he uses it yet", async () => {
  const ports = await Promise.all(Array.from({ length: 300 }, () => freePort()));
  expect(new Set([...ports, ...ports.map(busPortOf)]).size).toBe(600);
});
