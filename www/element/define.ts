/** Importing this registers `<weigh-station>`. */
import "./allowed.ts";
import { define } from "./weigh-station.ts";

export { WeighStation } from "./weigh-station.ts";

define();
