// The package in Node: the function and the command line.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { DIST } from "../../www/tools.mjs";
import { scan } from "weighstation";

const PICKLE = Buffer.from("\x80\x02cos\nsystem\nX\x11\x00\x00\x00echo weighstation\x85R.", "latin1");
let folder;

before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "weighstation-node-"));
  mkdirSync(path.join(folder, "set/.hidden"), { recursive: true });
  writeFileSync(path.join(folder, "bad.pkl"), PICKLE);
  writeFileSync(path.join(folder, "set/note.txt"), "hello\n");
  writeFileSync(path.join(folder, "set/.hidden/bad.pkl"), PICKLE);
});
after(() => rmSync(folder, { recursive: true, force: true }));

const cli = (...args) => spawnSync(process.execPath, [path.join(DIST, "cli.js"), ...args], { encoding: "utf8", cwd: folder });

test("scan takes a path", async () => {
  const report = await scan(path.join(folder, "bad.pkl"));
  assert.equal(report.schema, "weighstation-report/1");
  assert.equal(report.verdict, "dangerous");
  const [file] = report.files;
  assert.equal(file.sha256, createHash("sha256").update(PICKLE).digest("hex"));
  assert.ok(file.imports.some((one) => one.module === "os" && one.name === "system"));
  const [place] = file.findings.find((one) => one.severity === "critical").places;
  assert.equal(typeof place.offset, "number");
});

test("scan takes blobs, folders with hidden files, and lists of them", async () => {
  const report = await scan([new File([PICKLE], "memory.pkl"), new Blob(["hello"]), path.join(folder, "set")], { digest: false });
  assert.deepEqual(
    report.files.map((file) => [file.path, file.verdict]),
    [
      ["memory.pkl", "dangerous"],
      ["blob-2", "clear"],
      ["set/.hidden/bad.pkl", "dangerous"],
      ["set/note.txt", "clear"],
    ],
  );
  assert.equal(report.files[0].sha256, null);
});

test("scan heeds a signal", async () => {
  await assert.rejects(scan(path.join(folder, "bad.pkl"), { signal: AbortSignal.abort() }), { name: "AbortError" });
  const large = path.join(folder, "large.bin");
  writeFileSync(large, "");
  truncateSync(large, 3 * 1024 ** 3);
  await assert.rejects(scan(large, { signal: AbortSignal.timeout(200) }), { name: "TimeoutError" });
});

test("a path that is not there is a gap, not an error", async () => {
  const report = await scan([path.join(folder, "nothing-here.pkl"), path.join(folder, "set/note.txt")]);
  assert.equal(report.verdict, "incomplete");
  assert.equal(report.files[0].gaps[0].reason, "unreadable");
  assert.equal(report.files[1].verdict, "clear");
});

test("a pipe is no file: nobody waits until somebody writes to it", { skip: process.platform === "win32" }, () => {
  const pipes = path.join(folder, "pipes");
  mkdirSync(pipes);
  assert.equal(spawnSync("mkfifo", [path.join(pipes, "model.pkl")]).status, 0);
  writeFileSync(path.join(pipes, "note.txt"), "hello\n");
  const { status, stdout } = spawnSync(process.execPath, [path.join(DIST, "cli.js"), "scan", pipes, "--format", "json"], { encoding: "utf8", timeout: 60_000 });
  assert.equal(status, 3);
  assert.deepEqual(JSON.parse(stdout).files.map((file) => [file.path, file.gaps.map((gap) => gap.reason)]), [
    ["pipes/model.pkl", ["unreadable"]],
    ["pipes/note.txt", []],
  ]);
});

test("the command line: formats and exit status", () => {
  const json = cli("scan", "bad.pkl", "--format", "json");
  assert.equal(json.status, 1, json.stderr);
  assert.equal(JSON.parse(json.stdout).verdict, "dangerous");
  assert.equal(cli("scan", "bad.pkl", "--fail-on", "never").status, 0);
  assert.equal(cli("scan", "set/note.txt").status, 0);
  const lines = cli("scan", "set", "--format", "jsonl", "--no-digest").stdout.trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(lines.map((file) => file.path), ["set/.hidden/bad.pkl", "set/note.txt"]);
  assert.ok(lines.every((file) => file.sha256 === null));
  assert.match(cli("scan", "bad.pkl", "--format", "text").stdout, /DANGEROUS {2}bad\.pkl/);
  assert.equal(cli("scan", "bad.pkl", "--format", "json", "--output", "out.json").stdout, "");
  assert.equal(JSON.parse(readFileSync(path.join(folder, "out.json"), "utf8")).verdict, "dangerous");
  assert.equal(cli("scan").status, 2);
  assert.equal(cli("scan", "bad.pkl", "--format", "xml").status, 2);
  assert.equal(cli("scan", "bad.pkl", "--no-such-flag").status, 2);
  assert.equal(cli("scan", "not-there.pkl").status, 3);
});

test("the command line: licences by name, in a folder, against an inventory", () => {
  const named = cli("licence", "--use", "service", "--seat", "US", "--users", "1_000", "--format", "json", "--by-name", "llama3.1");
  assert.equal(named.status, 0, named.stderr);
  const guidance = JSON.parse(named.stdout);
  assert.equal(guidance.level, "ok-with-obligations");
  assert.equal(guidance.situation.facts.mau, 1000);
  assert.equal(cli("licence", "--use", "service", "--fail-on", "needs-review", "--by-name", "llama3.1").status, 1);
  assert.equal(cli("licence", "--use", "service", "--field=military", "--by-name", "llama3.1").status, 1);
  assert.match(cli("licence", "--format", "markdown", "--by-name", "mit").stdout, /^# Licence\n/);

  mkdirSync(path.join(folder, "m"));
  writeFileSync(path.join(folder, "m/README.md"), "---\nlicense: apache-2.0\n---\n");
  assert.equal(cli("licence", "m", "--save", "inventory.json", "--date", "2026-01-02").status, 0);
  const saved = JSON.parse(readFileSync(path.join(folder, "inventory.json"), "utf8"));
  assert.deepEqual(saved.entries.map(({ name, licence, seen }) => [name, licence, seen]), [["m", "Apache-2.0", "2026-01-02"]]);
  assert.match(cli("licence", "m", "--against", "inventory.json").stdout, /^nothing changed\n/);
  writeFileSync(path.join(folder, "m/README.md"), "---\nlicense: cc-by-nc-4.0\n---\n");
  assert.match(cli("licence", "m", "--against", "inventory.json").stdout, /^m: licence \(tighter\) "Apache-2\.0" -> "CC-BY-NC-4\.0"\n/);
  cli("licence", "m", "--save", "inventory.csv");
  assert.match(readFileSync(path.join(folder, "inventory.csv"), "utf8"), /\nm,CC-BY-NC-4\.0,/);

  for (const wrong of [[], ["m", "--use", "steal"], ["m", "--users", "many"], ["m", "--assume", "nothing=yes"], ["m", "--against", "m/README.md"], ["m", "--lang", "xx"]]) {
    assert.equal(cli("licence", ...wrong).status, 2, wrong.join(" "));
  }
  assert.equal(cli("licence", "not-there").status, 3);
});

test("the command line never prints a raw escape", () => {
  writeFileSync(path.join(folder, "\x1b[31mred.txt"), "hello\n");
  const { stdout } = cli("scan", "\x1b[31mred.txt", "--format", "text");
  assert.doesNotMatch(stdout, /\x1b/);
});

test("the published files hold together", () => {
  assert.match(readFileSync(path.join(DIST, "cli.js"), "utf8"), /^#!\/usr\/bin\/env node/);
  for (const line of readFileSync(path.join(DIST, "SHA256SUMS"), "utf8").trim().split("\n")) {
    const [sum, name] = line.split("  ");
    assert.equal(createHash("sha256").update(readFileSync(path.join(DIST, name))).digest("hex"), sum, name);
  }
});
