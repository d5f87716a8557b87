// A store of four methods: a file for each memory, in a folder that several processes use. CommonJS, as in Jest.
const { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");
const { checkCall, checkList, checkPlainSave, parseJson } = require("@deep-agent/core/adapter");

let writes = 0;

/** The default export: what the other process calls. */
module.exports = (directory) => ({
  async load(memoryId, options) {
    checkCall(memoryId, options);
    try {
      return parseJson(readFileSync(pathOf(directory, memoryId), "utf8"));
    } catch (error) {
      if (error.code === "ENOENT") return null;
      throw error;
    }
  },
  async save(memoryId, records, options) {
    const texts = checkPlainSave(memoryId, records, options);
    const temporary = join(directory, `.${process.pid}.${writes++}`);
    writeFileSync(temporary, `[${texts.join(",")}]`);
    renameSync(temporary, pathOf(directory, memoryId));
  },
  async delete(memoryId, options) {
    checkCall(memoryId, options);
    rmSync(pathOf(directory, memoryId), { force: true });
  },
  async list(options = {}) {
    checkList(options);
    const files = readdirSync(directory).filter((file) => file.endsWith(".json"));
    const ids = files.map((file) => Buffer.from(file.slice(0, -".json".length), "hex").toString());
    return ids.filter((id) => id.startsWith(options.prefix ?? ""));
  },
});

function pathOf(directory, memoryId) {
  return join(directory, `${Buffer.from(memoryId).toString("hex")}.json`);
}
