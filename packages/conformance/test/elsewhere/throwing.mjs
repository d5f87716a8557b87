throw new Error("The module has a problem of its own.");
