import { beforeEach, expect, test, vi } from "vitest";
import { find, mount, settled } from "../testing";
import PayloadController from "./payload";

beforeEach(() => mount(
  `<div data-controller="payload"><button id="copy" data-payload-target="copyButton" data-action="payload#copy">Copy</button>
   <button id="full" data-action="payload#full"></button><pre data-payload-target="text">&lt;row/&gt;</pre></div>`,
  "payload", PayloadController,
));

test("copies the text as it was sent", async () => {
  const written = vi.fn(() => Promise.resolve());
  Object.defineProperty(navigator, "clipboard", { value: { writeText: written }, configurable: true });
  find("#copy").click();
  await settled();
  expect(written).toHaveBeenCalledWith("<row/>");
  expect(find("#copy").textContent).toBe("Copied");
});

test("fills the screen", async () => {
  const asked = vi.fn(() => Promise.resolve());
  find("[data-controller=payload]").requestFullscreen = asked;
  find("#full").click();
  await settled();
  expect(asked).toHaveBeenCalledOnce();
});
