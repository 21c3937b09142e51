/** Importing this registers `<weigh-station>`. */
import { define } from "./weigh-station.ts";

define();
