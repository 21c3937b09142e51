// Exports, verification and comparison in the package; what has a schema is held against it.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import Ajv from "ajv";
import Ajv2020 from "ajv/dist/2020.js";
import { DIST, ROOT, TARGET } from "../../www/tools.mjs";
import { compare, exportForms, exportReport, scan, verify } from "weighstation";

const PICKLE = Buffer.from("\x80\x02cos\nsystem\nX\x11\x00\x00\x00echo weighstation\x85R.", "latin1");
const CARD = "---\nlicense: apache-2.0\nbase_model: meta-llama/Llama-3.2-1B\ndatasets:\n- foo/bar\npipeline_tag: text-generation\n---\n# A model\n";
const HOSTILE = "=cmd|' <img src=x onerror=alert(1)> \x1b[2J\u202e&\"`@octocat.pkl";
const time = "2026-11-20T12:00:00Z";
let folder;
let report;

before(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), "weighstation-exports-"));
  mkdirSync(path.join(folder, "m"));
  const files = { "bad.pkl": PICKLE, "cut.pkl": PICKLE.subarray(0, 20), "README.md": CARD, "a b.txt": "hello\n", [HOSTILE]: PICKLE };
  for (const [name, bytes] of Object.entries(files)) writeFileSync(path.join(folder, "m", name), bytes);
  report = await scan(path.join(folder, "m"));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const cli = (...args) => spawnSync(process.execPath, [path.join(DIST, "cli.js"), ...args], { encoding: "utf8", cwd: folder });
const schema = (name) => JSON.parse(readFileSync(path.join(ROOT, "tests/schemas", `${name}.json`), "utf8"));

function holds(ajv, schema, document) {
  const valid = ajv.compile(schema);
  assert.ok(valid(document), JSON.stringify(valid.errors?.slice(0, 5), null, 1));
}

const strict = { strict: false, validateFormats: false };

/** Reports of every size: nothing at all, one harmless file, and the folder. */
const all = () => [{ ...report, files: [], findings: [], verdict: "clear" }, { ...report, files: report.files.slice(3, 4), findings: [] }, report];

test("SARIF is valid", () => {
  const { $schema, id, ...rest } = schema("sarif-2.1.0");
  assert.ok($schema.includes("draft-04") && id, "the schema is the one of OASIS, whose dialect ajv only reads without its name");
  for (const one of all()) for (const stamp of ["", time]) holds(new Ajv(strict), rest, JSON.parse(exportReport(one, "sarif", { time: stamp })));
});

test("CycloneDX is valid and refers to what is there", () => {
  const ajv = () => new Ajv(strict).addSchema(schema("cyclonedx-spdx"), "http://cyclonedx.org/schema/spdx.SNAPSHOT.schema.json").addSchema(schema("cyclonedx-jsf"), "http://cyclonedx.org/schema/jsf-0.82.SNAPSHOT.schema.json");
  for (const one of all()) {
    const bom = JSON.parse(exportReport(one, "cyclonedx", { time }));
    holds(ajv(), schema("cyclonedx-1.6"), bom);
    const refs = [];
    JSON.stringify(bom, (key, value) => (key === "bom-ref" ? (refs.push(value), value) : value));
    assert.equal(new Set(refs).size, refs.length, "every reference is there once");
    const used = [...bom.dependencies.flatMap((d) => [d.ref, ...d.dependsOn]), ...(bom.vulnerabilities ?? []).flatMap((v) => v.affects.map((a) => a.ref)), ...(bom.compositions ?? []).flatMap((c) => c.assemblies)];
    assert.deepEqual(used.filter((ref) => !refs.includes(ref)), []);
  }
  const bom = JSON.parse(exportReport(report, "cyclonedx", { time }));
  assert.equal(bom.components[0].type, "machine-learning-model");
  assert.deepEqual(bom.components[0].licenses, [{ license: { id: "Apache-2.0", acknowledgement: "declared" } }]);
  assert.equal(bom.components[0].pedigree.ancestors[0].name, "meta-llama/Llama-3.2-1B");
  assert.equal(bom.components.find((c) => c.name === "m/bad.pkl").hashes[0].content, createHash("sha256").update(PICKLE).digest("hex"));
  const serial = "11111111-2222-3333-4444-555555555555";
  assert.equal(JSON.parse(exportReport(report, "cyclonedx", { serial })).serialNumber, `urn:uuid:${serial}`);
});

test("SPDX is valid and refers to what is there", () => {
  for (const one of all()) {
    const spdx = JSON.parse(exportReport(one, "spdx", { time }));
    holds(new Ajv2020(strict), schema("spdx-3.0.1"), spdx);
    const ids = spdx["@graph"].map((e) => e.spdxId).filter(Boolean);
    assert.equal(new Set(ids).size, ids.length);
    for (const e of spdx["@graph"]) for (const ref of [e.from, e.subject, e.dataLicense, ...(e.to ?? []), ...(e.element ?? []), ...(e.rootElement ?? [])].filter(Boolean)) assert.ok(ids.includes(ref), ref);
  }
});

test("every form can be had in Node, and the native command writes the same", () => {
  const forms = exportForms().map((form) => form.id);
  assert.deepEqual(forms.toSorted(), ["csv", "cyclonedx", "html", "json", "jsonl", "markdown", "sarif", "spdx", "text"]);
  writeFileSync(path.join(folder, "report.json"), JSON.stringify(report));
  const native = process.platform === "win32" ? "weighstation.exe" : "weighstation";
  for (const form of forms) {
    const text = exportReport(report, form, { time, lang: "en" });
    assert.ok(text.includes("WS101"), form);
    assert.doesNotMatch(text, /[\x1b\u202e]/, form);
    const mine = cli("export", "--format", form, "--time", time, "report.json");
    assert.equal(mine.stdout, form === "json" || form === "jsonl" || form === "text" || form === "csv" ? exportReport(report, form, {}) : text, form);
    const theirs = spawnSync(path.join(TARGET, "release", native), ["export", "--format", form, "--time", time, "report.json"], { encoding: "utf8", cwd: folder });
    assert.equal(theirs.stdout, mine.stdout, form);
  }
  assert.throws(() => exportReport("{}", "html"), /weighstation-report\/1/);
  assert.throws(() => exportReport(report, "pdf"));
  assert.equal(cli("export", "m/README.md").status, 3);
  assert.match(cli("scan", "--format", "html", "m/bad.pkl").stdout, /<mark>/);
  const names = exportReport(report, "json", { paths: "numbered" });
  assert.doesNotMatch(names, /bad\.pkl/);
});

test("verify and compare", async () => {
  const digest = createHash("sha256").update("hello\n").digest("hex");
  const file = path.join(folder, "m/a b.txt");
  assert.equal((await verify(file, digest)).outcome, "matches");
  assert.equal((await verify(report.files, [{ path: "m/SHA256SUMS", text: `${digest}  a b.txt\n${digest}  bad.pkl\n` }])).checks[0].path, "m/bad.pkl");
  assert.equal(cli("verify", "--digest", digest, "m/a b.txt").status, 0);
  assert.equal(cli("verify", "--digest", digest, "m/bad.pkl").status, 1);
  assert.equal(cli("verify", "m").status, 2);
  writeFileSync(path.join(folder, "m/SHA256SUMS"), `${digest}  a b.txt\n${digest}  bad.pkl\n`);
  assert.equal(cli("verify", "m").status, 1);
  assert.equal(JSON.parse(cli("scan", "m/a b.txt", "m/bad.pkl", "m/SHA256SUMS", "--format", "json").stdout).files[1].findings.some((one) => one.rule === "WS802"), true);
  rmSync(path.join(folder, "m/SHA256SUMS"));

  assert.deepEqual(compare(report, JSON.stringify(report)).changes, []);
  const c = compare(await scan(file), await scan(path.join(folder, "m/bad.pkl")));
  assert.equal(c.news, "dangerous");
  writeFileSync(path.join(folder, "old.json"), JSON.stringify(report));
  assert.equal(cli("compare", "old.json", "m").stdout, "Nothing changed.\n");
  assert.equal(cli("compare", "m/a b.txt", "m/bad.pkl").status, 1);
  assert.equal(cli("compare", "old.json").status, 2);
});
