interface RequestEvent extends Event {
  detail: { ctx: { request: { headers: Record<string, string>; method: string } } };
}

/** Every request HTMX makes carries the CSRF token of the page. */
export function secureRequests(root: Document): void {
  root.addEventListener("htmx:config:request", (event) => {
    const { request } = (event as RequestEvent).detail.ctx;
    request.headers["X-CSRFToken"] = root.body.dataset.csrf ?? "";
  });
}
