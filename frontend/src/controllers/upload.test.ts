import { expect, test } from "vitest";
import { find, mount } from "../testing";
import UploadController, { sizeWords } from "./upload";

test.each([[12, "12 bytes"], [1_234, "1.2 kB"], [5_600_000, "5.6 MB"]])("%d bytes read %s", (bytes, words) => {
  expect(sizeWords(bytes)).toBe(words);
});

test("names the file that was chosen", async () => {
  await mount(
    '<div data-controller="upload"><input type="file" data-upload-target="input" data-action="upload#show"><span data-upload-target="words"></span></div>',
    "upload", UploadController,
  );
  Object.defineProperty(find("input"), "files", { value: [new File(["12345"], "key.json")] });
  find("input").dispatchEvent(new Event("input", { bubbles: true }));
  expect(find("span").textContent).toBe("key.json, 5 bytes");
});
