/** Three files to try, made here when asked for: nothing is stored, and the one that runs a command would only say its own name. */
import type { Item } from "../scanner/weighing.ts";

export type Sample = "harmless" | "command" | "broken";
export const SAMPLES: readonly Sample[] = ["harmless", "command", "broken"];

const text = (value: string) => new TextEncoder().encode(value);

/** Two small tensors in the safetensors layout: length, header, numbers. */
function harmless(): Item {
  const header = text(
    JSON.stringify({
      __metadata__: { format: "pt", note: "made by weighstation to try it out" },
      "layer.bias": { dtype: "F32", shape: [4], data_offsets: [0, 16] },
      "layer.weight": { dtype: "F32", shape: [4, 4], data_offsets: [16, 80] },
    }),
  );
  const length = new DataView(new ArrayBuffer(8));
  length.setBigUint64(0, BigInt(header.length), true);
  const numbers = new Float32Array(20).map((_, i) => i / 20);
  return { path: "harmless.safetensors", file: new File([length.buffer, header, numbers], "harmless.safetensors") };
}

/** A pickle of protocol 2 that would call os.system("echo weighstation") when loaded. */
function command(): Item {
  const argument = text("echo weighstation");
  const bytes = new Uint8Array([
    ...[0x80, 2], // PROTO 2
    ...text("cos\nsystem\n"), // GLOBAL os system
    ...[0x58, argument.length, 0, 0, 0, ...argument], // BINUNICODE
    0x85, // TUPLE1
    0x52, // REDUCE: the call
    0x2e, // STOP
  ]);
  return { path: "runs-a-command.pkl", file: new File([bytes], "runs-a-command.pkl") };
}

/** The beginning of a ZIP archive that was cut off: one member, no directory. */
function broken(): Item {
  const name = text("archive/data.pkl");
  const header = new DataView(new ArrayBuffer(30));
  header.setUint32(0, 0x04034b50, true); // local file header
  header.setUint16(4, 20, true); // version needed
  header.setUint32(18, 4096, true); // compressed size: more than there is
  header.setUint32(22, 4096, true); // size
  header.setUint16(26, name.length, true);
  const bytes = [header.buffer, name, new Uint8Array([0x80, 2, 0x7d, 0x71, 0])];
  return { path: "broken.pt", file: new File(bytes, "broken.pt") };
}

const MAKERS: Record<Sample, () => Item> = { harmless, command, broken };

export const sample = (which: Sample): Item => MAKERS[which]();
