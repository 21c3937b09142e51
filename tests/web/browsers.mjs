// The two browsers the page is tested in, with a fresh profile each.
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import puppeteer from "puppeteer-core";
import { needChromium, needFirefox } from "../../www/tools.mjs";

// Nothing but the page under test may touch the network, or the count of requests would mean nothing. The sandbox cannot start as root in a container.
const CHROMIUM_ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const FIREFOX_PREFERENCES = {
  "app.normandy.enabled": false,
  "app.update.enabled": false,
  "browser.safebrowsing.malware.enabled": false,
  "browser.safebrowsing.phishing.enabled": false,
  "datareporting.policy.dataSubmissionEnabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "toolkit.telemetry.enabled": false,
};

export const BROWSERS = ["chromium", "firefox"];

/** Starts a browser; `close()` on the result also removes its profile. */
export async function launch(name, { args = [] } = {}) {
  const userDataDir = mkdtempSync(path.join(os.tmpdir(), `weighstation-${name}-`));
  const common = { headless: true, userDataDir, protocolTimeout: 120_000 };
  const browser =
    name === "chromium"
      ? await puppeteer.launch({ ...common, browser: "chrome", executablePath: needChromium(), args: [...CHROMIUM_ARGS, ...args] })
      : await puppeteer.launch({ ...common, browser: "firefox", executablePath: needFirefox(), args, extraPrefsFirefox: FIREFOX_PREFERENCES });
  return {
    browser,
    async close() {
      await browser.close();
      rmSync(userDataDir, { recursive: true, force: true, maxRetries: 40, retryDelay: 200 });
    },
  };
}
