/** The code wasm-bindgen wrote, wrapped by www/build.mjs in a function so that every call gives bindings with an instance of their own. */
declare module "weighstation-core" {
  export function glue(wasm: Pick<typeof WebAssembly, "Module" | "Instance">): { initSync(options: { module: WebAssembly.Module }): WebAssembly.Exports };
}

/** The WebAssembly module: deflate-raw, then base64. */
declare module "weighstation-core-packed" {
  export const packed: string;
}

/** The bundled worker as text. */
declare module "weighstation-worker" {
  export const source: string;
}

/** The style sheet as text, for shadow roots. */
declare module "*.css" {
  const text: string;
  export default text;
}

/** Set by the build from package.json. */
declare const WEIGHSTATION_VERSION: string;
