import { expect, test, vi } from "vitest";
import { find, mount } from "../testing";
import CodeEditorController from "./code-editor";

test("makes an editor with the schema and keeps the textarea's value", async () => {
  vi.stubGlobal("fetch", vi.fn(() => Promise.resolve(new Response('{"customers": ["id"]}'))));
  await mount(
    '<textarea data-controller="code-editor" data-code-editor-language-value="sql" data-code-editor-schema-url-value="/schema">select 1</textarea>',
    "code-editor", CodeEditorController,
  );
  await vi.waitFor(() => expect(document.querySelector(".code-host")).not.toBeNull(), 5000);
  expect(fetch).toHaveBeenCalledOnce();
  const area = find<HTMLTextAreaElement>("textarea");
  expect(area.hidden).toBe(true);
  area.dispatchEvent(new CustomEvent("code-editor:insert", { detail: { text: "-- x\n" } }));
  expect(area.value).toBe("-- x\nselect 1");
});
