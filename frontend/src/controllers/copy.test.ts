import { expect, test, vi } from "vitest";
import { find, mount, settled } from "../testing";
import CopyController from "./copy";

test("copies the text and says so", async () => {
  const written = vi.fn(() => Promise.resolve());
  Object.defineProperty(navigator, "clipboard", { value: { writeText: written }, configurable: true });
  await mount(
    '<span data-controller="copy" data-copy-text-value="42"><button data-action="copy#copy"><i data-copy-target="idle"></i><b data-copy-target="done" hidden></b></button></span>',
    "copy", CopyController,
  );
  find("button").click();
  await settled();
  expect(written).toHaveBeenCalledWith("42");
  expect(find("b").hidden).toBe(false);
  expect(find("i").hidden).toBe(true);
});
