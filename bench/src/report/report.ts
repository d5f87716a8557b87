import { entryOf, type Name } from "../contenders/catalogue.ts";
import type { Work } from "../contenders/contender.ts";
import { type Goal, goalsOf, isMet, verdict } from "../goals.ts";
import type { Results } from "../results.ts";
import { ratioOf } from "../spread.ts";
import type { Rate } from "../works/throughput.ts";
import { bytes, count, digits, milliseconds, rate, table, wrapped } from "./format.ts";

/** The whole report, as Markdown. Its charts are in `benchmarks/` beside it. */
export function reportOf(results: Results): string {
  const sections = [
    introduction(results),
    goals(results),
    turns(results),
    parts(results),
    throughput(results),
    storage(results),
    listing(results),
    footprint(results),
  ];
  return `${wrapped(sections.join("\n\n"))}\n`;
}

function introduction({ date, seconds, plan, machine, turns }: Results): string {
  const { cpu, cores, memory, system, fileSystem, node, redis, commit } = machine;
  const absent = Object.entries(turns.absent).map(
    ([title, why]) => `- ${title} could not be opened. Its error was: \`${firstLine(why).slice(0, 100)}\``,
  );
  return `# Benchmarks

<!-- Written by \`pnpm bench\`. -->

What a turn costs with deep-agent, compared with other ways to store conversations, and with the least that any way has to do. All contenders do the same work in the same run, on one real Redis and one disk, each in its own process. They take turns, many times over, so that what slows down the machine for a while slows down all of them. A number is a median, and the numbers in brackets are the quartiles. Times hold for this machine only. Ratios are taken within each round, and hold better.

${date.slice(0, 10)}, ${plan === "quick" ? "a quick run: few repetitions, " : ""}${count(seconds)} seconds${commit === null ? ", of a tree with changes" : `, commit ${commit}`}. ${cpu}, ${cores} cores, ${(memory / 2 ** 30).toFixed(0)} GiB; ${system}, ${fileSystem}; Node ${node}; Redis ${redis} on loopback, without persistence.

- A message is ${count(500)} bytes of JSON. A *turn* is what a process does that keeps nothing of the conversation except its connections: it loads what the next call of a model needs (the newest 20 messages) and stores two new messages. Each contender is checked: it must return those messages and have stored the turns.
- Measuring turns makes conversations longer than the length that a column names: by at most 6 %, or by four messages if that is more. LangChain's file history keeps everything in one file, so its conversations grow by all turns of a round. If only appends are measured, conversations grow by what is appended.
- *whole history by SET* and *whole history in a file* are the way without a library, and the way of the Go library go-deep-agent: each turn reads and writes everything.
- *bare node-redis* and *bare ioredis* are the clients alone: RPUSH and PEXPIRE in one write, LRANGE and \`JSON.parse\`. *one write and fsync* appends to a file that stays open, and knows without reading what it wrote before.
- Of the file stores, deep-agent's flushes each turn to the disk, unless its \`durability\` is \`"os"\`. Those of peers, and rewriting, flush nothing.
- The OpenAI Agents SDK publishes no file session. The session in its examples was written again for this measurement.
${absent.join("\n")}`;
}

function goals(results: Results): string {
  const all = goalsOf(results);
  const met = all.filter(isMet).length;
  const rows = all.map((goal) => [goal.text, limitOf(goal), measuredOf(goal), verdict(goal)]);
  return `## Goals

${met} of ${all.length} are met.

${table(["goal", "limit", "measured", ""], rows)}`;
}

function limitOf({ is, limit, unit }: Goal): string {
  const text = limit < 0.1 ? `1/${count(1 / limit)}` : digits(limit);
  return `${is} ${text}${unit === undefined ? "" : ` ${unit}`}`;
}

function measuredOf({ value, limit, unit }: Goal): string {
  if (value === null) return "–";
  return limit < 0.1 ? `1/${count(1 / value)}` : `${digits(value)}${unit === undefined ? "" : ` ${unit}`}`;
}

function turns({ turns: { costs } }: Results): string {
  const lengths = unique(costs.map(({ length }) => length));
  const head = ["", ...lengths.map((length) => `${count(length)} messages`)];
  const names = unique(costs.map(({ name }) => name));
  const rowsOf = (cell: (cost: (typeof costs)[number]) => string): string[][] =>
    names.map((name) => [
      titleOf(name),
      ...lengths.map((length) => {
        const cost = costs.find((one) => one.name === name && one.length === length);
        return cost === undefined ? "–" : cell(cost);
      }),
    ]);
  return `## One turn

![Time of a turn by the length of the conversation, on Redis](benchmarks/turns-redis.svg)

![Time of a turn by the length of the conversation, on files](benchmarks/turns-file.svg)

Milliseconds:

${table(
  head,
  rowsOf(({ ms }) => milliseconds(ms)),
)}

Processor time of the client, milliseconds:

${table(
  head,
  rowsOf(({ cpu }) => digits(cpu)),
)}

Bytes to the store / bytes from the store, on the socket or through system calls that read and write files:

${table(
  head,
  rowsOf(({ written, read }) => `${bytes(written)} / ${bytes(read)}`),
)}

Commands to Redis:

${table(
  head,
  rowsOf(({ commands }) => (commands === undefined ? "–" : digits(commands))).filter((row) =>
    row.slice(1).some((cell) => cell !== "–"),
  ),
)}`;
}

function parts({ parts }: Results): string {
  const works: readonly Work[] = ["append", "window", "load"];
  const rows = unique(parts.map(({ name }) => name)).map((name) => [
    titleOf(name),
    ...works.map((work) => {
      const cost = parts.find((one) => one.name === name && one.work === work);
      return cost === undefined ? "–" : milliseconds(cost.ms);
    }),
  ]);
  return `## Parts of a turn, and a load of everything

Milliseconds, in a conversation of 10,000 messages. Peers without a window load all messages to get the newest.

${table(["", "append a turn", "newest 20 messages", "all messages"], rows)}`;
}

function throughput({ throughput, cluster }: Results): string {
  const single = throughput.filter(({ processes }) => processes === 1);
  const levels = unique(single.map(({ inFlight }) => inFlight));
  const several = throughput.filter(({ processes }) => processes > 1);
  const processes = several[0]?.processes ?? 0;
  const cellOf = (one: Rate | undefined): string => (one === undefined ? "–" : rate(one.perSecond));
  const rows = unique(throughput.map(({ name }) => name)).map((name) => [
    titleOf(name),
    ...levels.map((level) => cellOf(single.find((one) => one.name === name && one.inFlight === level))),
    cellOf(several.find((one) => one.name === name)),
  ]);
  const { one, three } = cluster;
  const share = ratioOf(three.rounds, one.rounds)?.median ?? Number.NaN;
  return `## Throughput

![Turns appended a second by one process with 256 in flight](benchmarks/throughput.svg)

Turns appended a second to conversations that begin empty: by one process with this number of conversations in flight, and by ${processes} processes with 64 each. The peers were not measured with ${processes} processes. LangChain's file history is left out, because its one file holds all conversations.

${table(["", ...levels.map((level) => `${count(level)} in flight`), `${processes} processes`], rows)}

Whole turns a second by one process with 256 in flight: ${rate(one.perSecond)} on one server, ${rate(three.perSecond)} on a cluster of three masters on the same machine. The cluster makes ${digits(share)} times as many as one server. All servers share the machine's cores with the client, so this shows what routing costs, not what more machines bring.`;
}

function storage({ storage }: Results): string {
  const rows = unique(storage.map(({ name }) => name)).map((name) => {
    const of = (length: number) => storage.find((size) => size.name === name && size.length === length);
    const [short, long] = [of(2), of(100)];
    const longest = of(1_000);
    if (short === undefined || long === undefined || longest === undefined) return [titleOf(name), "–", "–", "–", "–"];
    const perMessage = (longest.bytes - long.bytes) / 900;
    const shares = [long, longest].map((size) => digits(size.bytes / size.json));
    return [titleOf(name), bytes(short.bytes), bytes(perMessage), ...shares];
  });
  return `## What is stored

![Bytes stored for each byte of JSON](benchmarks/storage.svg)

Redis: bytes in memory, with indexes and everything else that belongs to a conversation. Files: bytes of the blocks on the disk. A message is 500 bytes of JSON.

${table(["", "a conversation of one turn", "each further message", "100 messages, for each byte of JSON", "1,000 messages"], rows)}`;
}

function listing({ listing: { foreign, costs } }: Results): string {
  const sizes = unique(costs.map(({ memories }) => memories));
  const rows = costs
    .filter((cost, place) => costs.findIndex((one) => one.name === cost.name && one.work === cost.work) === place)
    .map(({ name, work }) => [
      `${titleOf(name)}: ${workNames[work]}`,
      ...sizes.map((size) => {
        const cost = costs.find((one) => one.name === name && one.work === work && one.memories === size);
        return cost === undefined ? "–" : milliseconds(cost.ms);
      }),
    ]);
  return `## Finding conversations

Milliseconds, among ${count(foreign)} keys of others. Threads of @mastra/redis are made one by one, so a million of them were not measured.

${table(["", ...sizes.map((size) => `${count(size)} conversations`)], rows)}`;
}

const workNames: Readonly<Partial<Record<Work, string>>> = { list: "all ids", recent: "the newest 20", ping: "PING" };

function footprint({ footprint: { imports, heap } }: Results): string {
  const rows = imports.map(({ package: name, ms, loaded, all }) => [name, milliseconds(ms), bytes(loaded), bytes(all)]);
  return `## Before the first call

*import*: how many milliseconds longer a program takes that imports the package than one that imports nothing. *loaded*: what the import loads of the package and its dependencies, minified and gzipped, without clients (\`openai\`, \`redis\`) and without the core that the package is made for. *all*: the same, with what is loaded only when it is needed.

${table(["", "import", "loaded", "all"], rows)}

If ${count(heap.conversations)} conversations are open, each keeps ${bytes(heap.each)} on the heap, with its window of 20 messages. Those messages alone, as \`JSON.parse\` makes them, take ${bytes(heap.messages)}. A turn on Redis allocates ${bytes(heap.turn)}. Bare RPUSH, LRANGE and \`JSON.parse\` allocate ${bytes(heap.bareTurn)}.`;
}

function titleOf(name: Name): string {
  return entryOf(name).title;
}

function unique<V>(values: readonly V[]): V[] {
  return [...new Set(values)];
}

function firstLine(text: string): string {
  return (text.split("\n")[0] ?? "").trim();
}
