import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { entryOf, type Group } from "../contenders/catalogue.ts";
import type { Results } from "../results.ts";

/** deep-agent stands out; floors are grey. */
const colours: Readonly<Record<Group, string>> = {
  "deep-agent": "#0b6e4f",
  peer: "#c1440e",
  rewriting: "#d99a2b",
  floor: "#8a8a8a",
};

const config: NonNullable<TopLevelSpec["config"]> = {
  background: "white",
  font: "sans-serif",
  axis: { gridColor: "#e4e4e4", labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal" },
  legend: { labelFontSize: 12, labelLimit: 320, titleFontSize: 12, symbolType: "stroke", symbolStrokeWidth: 3 },
  title: { fontSize: 14, anchor: "start", fontWeight: "normal" },
  view: { stroke: null },
};

/** Each chart as SVG, by the name of its file without extension. */
export async function drawCharts(results: Results): Promise<Record<string, string>> {
  return {
    "turns-redis": await draw(turns(results, "redis", "One turn on Redis: load the newest 20 messages, store two")),
    "turns-file": await draw(turns(results, "file", "One turn on files: load the newest 20 messages, store two")),
    throughput: await draw(throughput(results)),
    storage: await draw(storage(results)),
  };
}

function turns({ turns: { costs } }: Results, store: "redis" | "file", title: string): TopLevelSpec {
  const rows = costs.filter(({ name }) => entryOf(name).store === store);
  const names = [...new Set(rows.map(({ name }) => name))];
  return {
    title,
    width: 560,
    height: 340,
    config,
    data: {
      values: rows.map(({ name, length, ms }) => ({ way: entryOf(name).title, length, ...ms })),
    },
    encoding: {
      x: {
        field: "length",
        type: "quantitative",
        scale: { type: "log" },
        axis: { title: "messages in the conversation", format: ",d", values: [10, 100, 1_000, 10_000, 100_000] },
      },
      color: {
        field: "way",
        type: "nominal",
        title: null,
        scale: {
          domain: names.map((name) => entryOf(name).title),
          range: names.map((name) =>
            shade(
              names.filter((one) => entryOf(one).group === entryOf(name).group),
              name,
            ),
          ),
        },
      },
    },
    layer: [
      {
        mark: { type: "line", point: { size: 36 }, strokeWidth: 2 },
        encoding: {
          y: {
            field: "median",
            type: "quantitative",
            scale: { type: "log" },
            axis: { title: "milliseconds, median", format: "~g", tickCount: 6 },
          },
        },
      },
      {
        mark: { type: "rule", strokeWidth: 1.5 },
        encoding: { y: { field: "low", type: "quantitative" }, y2: { field: "high" } },
      },
    ],
  };
}

function throughput({ throughput }: Results): TopLevelSpec {
  const rows = throughput.filter(({ name, inFlight, processes }) => {
    return inFlight === 256 && processes === 1 && entryOf(name).store === "redis";
  });
  return bars(
    "Turns appended a second by one process, 256 in flight, on Redis",
    "turns a second",
    rows.map(({ name, perSecond }) => ({ name, value: perSecond.median })),
    ",d",
  );
}

function storage({ storage }: Results): TopLevelSpec {
  const rows = storage.filter(({ length }) => length === 100);
  return bars(
    "Bytes stored for each byte of JSON: conversations of 100 messages of 500 bytes",
    "bytes in Redis or on the disk, for each byte of JSON",
    rows.map(({ name, bytes, json }) => ({ name, value: bytes / json })),
    ".2f",
  );
}

function bars(
  title: string,
  unit: string,
  rows: { name: Parameters<typeof entryOf>[0]; value: number }[],
  format: string,
): TopLevelSpec {
  const values = rows
    .toSorted((a, b) => b.value - a.value)
    .map(({ name, value }) => {
      const { title: way, group } = entryOf(name);
      return { way, value, colour: colours[group] };
    });
  const y = {
    field: "way",
    type: "nominal",
    sort: values.map(({ way }) => way),
    axis: { title: null, labelLimit: 320 },
  } as const;
  const x = { field: "value", type: "quantitative", axis: { title: unit } } as const;
  return {
    title,
    width: 440,
    height: { step: 24 },
    config,
    data: { values },
    encoding: { x, y },
    layer: [
      { mark: "bar", encoding: { color: { field: "colour", type: "nominal", scale: null } } },
      { mark: { type: "text", align: "left", dx: 4 }, encoding: { text: { field: "value", format } } },
    ],
  };
}

/** The colour of the contender's group; each further contender of the group gets a lighter one. */
function shade<N extends Parameters<typeof entryOf>[0]>(group: readonly N[], name: N): string {
  const lightness = (group.indexOf(name) / group.length) * 0.6;
  const colour = colours[entryOf(name).group];
  const channels = [1, 3, 5].map((place) => Number.parseInt(colour.slice(place, place + 2), 16));
  const lighter = channels.map((channel) => Math.round(channel + (255 - channel) * lightness));
  return `#${lighter.map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;
}

async function draw(spec: TopLevelSpec): Promise<string> {
  const view = new View(parse(compile(spec).spec), { renderer: "none" });
  return `${await view.toSVG()}\n`;
}
