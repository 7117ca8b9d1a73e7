import { expect, test } from "vitest";
import { secureRequests } from "./requests";

test("requests carry the token of the page", () => {
  document.body.dataset.csrf = "token";
  secureRequests(document);
  const request = { headers: {} as Record<string, string>, method: "POST" };
  document.body.dispatchEvent(new CustomEvent("htmx:config:request", { bubbles: true, detail: { ctx: { request } } }));
  expect(request.headers["X-CSRFToken"]).toBe("token");
});
