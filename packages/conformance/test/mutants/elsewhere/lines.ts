import type { Socket } from "node:net";

/** Calls `onLine` with each line of JSON. Node's readline also ends lines at U+2028, which JSON may contain. */
export function onLines(socket: Socket, onLine: (line: string) => void): void {
  let rest = "";
  socket.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine(line);
  });
}
