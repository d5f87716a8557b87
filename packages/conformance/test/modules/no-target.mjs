// biome-ignore lint/style/noDefaultExport: this is what the program asks of a module.
export default 7;
