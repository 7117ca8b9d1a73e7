import { expect, test } from "vitest";
import { chooseAsAnswered, secureRequests } from "./requests";

test("requests carry the token of the page", () => {
  document.body.dataset.csrf = "token";
  secureRequests(document);
  const request = { headers: {} as Record<string, string>, method: "POST" };
  document.body.dispatchEvent(new CustomEvent("htmx:config:request", { bubbles: true, detail: { ctx: { request } } }));
  expect(request.headers["X-CSRFToken"]).toBe("token");
});

test("a builder that was answered shows what is chosen, whatever was chosen in its place before", () => {
  document.body.innerHTML = '<form class="builder"><select><option>a</option><option>b</option></select><select><option>c</option></select></form>';
  const [form, select] = [document.querySelector("form")!, document.querySelector("select")!];
  chooseAsAnswered(document);
  select.value = "a";
  select.options[1]!.setAttribute("selected", "");
  select.value = "a";
  const answered = (target: Element): boolean => form.dispatchEvent(new CustomEvent("htmx:after:swap", { bubbles: true, detail: { ctx: { target } } }));
  answered(select);
  expect(select.value).toBe("a");
  answered(form);
  expect(select.value).toBe("b");
});
