// Inputs for names that machines read.

import classes from "./mono.module.css";

/** `classNames` of an input whose text is in monospace, its label aside. */
export const mono = { input: classes.input };
