import { expect, test, vi } from "vitest";
import { find, mount, settled } from "../testing";
import BuilderController from "./builder";

const MARKUP = '<div data-controller="builder" data-builder-url-value="https://build.test/#" data-builder-key-value="blocks" data-action="input->builder#judge"><textarea></textarea><button type="button" data-builder-target="button" data-action="builder#open" hidden></button><p data-builder-target="words" hidden></p></div>';

test("opens what is JSON elsewhere, and says why anything else is not shown", async () => {
  const opened = vi.spyOn(window, "open").mockReturnValue(null);
  await mount(MARKUP, "builder", BuilderController);
  const write = (text: string): void => {
    const area = find<HTMLTextAreaElement>("textarea");
    area.value = text;
    area.dispatchEvent(new Event("input", { bubbles: true }));
  };
  write("Hello {{ row.name }}");
  await settled();
  expect(find("button").hidden).toBe(true);

  write('[{% if row.vip %}{"type": "divider"}{% endif %}]');
  expect(find("button").hidden).toBe(false);
  find("button").click();
  expect(find("p").textContent).toContain("not JSON yet");
  expect(opened).not.toHaveBeenCalled();

  write('[{"type": "section", "text": "{{ row.name }} & co"}]');
  expect(find("p").hidden).toBe(true);
  find("button").click();
  const [address] = opened.mock.calls[0] as [string];
  expect(JSON.parse(decodeURIComponent(address.replace("https://build.test/#", "")))).toEqual({ blocks: [{ type: "section", text: "{{ row.name }} & co" }] });
});
