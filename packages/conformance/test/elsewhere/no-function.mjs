export const name = "exports no function";
