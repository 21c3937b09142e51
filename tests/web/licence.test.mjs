// The licence section's own controls in Chromium and Firefox: what the result goes out under, what a card calls it, contracts, parts by name.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { BROWSERS } from "./browsers.mjs";
import { start } from "./host.mjs";

for (const name of BROWSERS) {
  describe(`licences in ${name}`, () => {
    let started, page;

    before(async () => {
      started = await start(name);
      page = await started.browser.newPage();
      await page.goto(started.base);
      await page.waitForSelector('[data-action="guide"]');
      await page.click('[data-action="guide"]');
      await page.waitForFunction(() => document.querySelectorAll("#weigh-licences option").length > 150);
    });
    after(async () => {
      await started?.close();
    });

    const pick = async (licence, enters = "weights") => {
      await page.select("[data-relation]", enters);
      await page.type("[data-choose]", licence);
      await page.keyboard.press("Enter");
    };
    const say = (id, text) =>
      page.$eval(
        `[data-fact="${id}"]`,
        (input, given) => {
          input.value = given;
          input.dispatchEvent(new Event("change"));
        },
        text,
      );
    const level = (wanted) => page.waitForSelector(`.answer[data-level="${wanted}"]`);
    const use = (wanted) => page.$eval(`[name="weigh-use"][value="${wanted}"]`, (radio) => radio.click());
    const forget = async () => {
      while (await page.$(".byname + .places button")) {
        const before = await page.$$eval(".byname + .places button", (all) => all.length);
        await page.$eval(".byname + .places button", (button) => button.click());
        await page.waitForFunction((n) => document.querySelectorAll(".byname + .places button").length < n, {}, before);
      }
    };

    test("a fine-tune goes out under a licence, and a card must not drop what the base asks", async () => {
      await pick("CC-BY-SA-4.0");
      await use("fine-tune");
      await page.waitForSelector('[data-fact="outbound"]');
      await say("outbound", "CC-BY-SA-4.0");
      await level("ok-with-obligations");
      await say("outbound", "proprietary");
      await level("conflict");
      await say("outbound", "");
      await forget();
      await pick("Llama 3.1 Community License");
      await say("label", "MIT");
      await level("conflict");
      await page.waitForSelector('[data-list="clashes"] [data-code="declared-drops"]');
      await say("label", "");
      await forget();
    });

    test("a contract with the licensor takes the place of the clause", async () => {
      await pick("CC-BY-NC-4.0");
      await use("sell");
      await level("conflict");
      await page.$eval('[data-agreement="CC-BY-NC-4.0"]', (box) => box.click());
      await page.waitForFunction(() => document.querySelector(".answer").dataset.level !== "conflict");
      await page.$eval('[data-agreement="CC-BY-NC-4.0"]', (box) => box.click());
      await level("conflict");
      await forget();
    });

    test("a part that was picked by name says how it enters", async () => {
      await pick("Apache-2.0");
      await pick("CC-BY-NC-4.0", "data");
      await page.waitForFunction(() => [...document.querySelectorAll("table.parts tbody tr")].some((row) => /Creative Commons Attribution-NonCommercial 4\.0.*training data/s.test(row.textContent)));
      assert.match(await page.$eval(".byname + .places", (list) => list.innerText), /Creative Commons Attribution-NonCommercial 4\.0 \(training data\)/);
      await use("sell");
      await page.waitForSelector("[data-assume]");
      await page.select('[data-assume="non-commercial-data-reaches-weights"]', "yes");
      await page.waitForFunction(() => document.querySelector(".answer"));
      await forget();
    });
  });
}
