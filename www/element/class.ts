/** The class and its parts, and no name is taken: for pages that register elements themselves. */
export { define, WeighStation } from "./weigh-station.ts";
