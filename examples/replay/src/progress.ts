import { Presets, SingleBar } from "cli-progress";

/** Shows how many turns are done. */
export interface Progress {
  step(): void;
  stop(): void;
}

/** A bar on a terminal, otherwise a line for each tenth. */
export function progressOf(total: number): Progress {
  return process.stdout.isTTY ? bar(total) : lines(total);
}

function bar(total: number): Progress {
  const single = new SingleBar(
    { format: "{bar} {value}/{total} turns, {eta_formatted} left", stream: process.stdout, hideCursor: true },
    Presets.shades_classic,
  );
  single.start(total, 0);
  return { step: () => single.increment(), stop: () => single.stop() };
}

function lines(total: number): Progress {
  let done = 0;
  return {
    step: () => {
      done += 1;
      const tenth = Math.floor((done * 10) / total);
      if (tenth > Math.floor(((done - 1) * 10) / total)) console.log(`${done} of ${total} turns`);
    },
    stop: () => undefined,
  };
}
