// biome-ignore lint/style/noDefaultExport: the program expects a default export.
export default 7;
