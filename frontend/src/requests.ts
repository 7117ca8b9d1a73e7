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

interface SwapEvent extends Event {
  detail: { ctx: { target?: Element | string | null } };
}

/**
 * A builder that was answered shows what the answer says is chosen. Morphing hands selects on to other conditions, and a
 * browser keeps what was chosen in them before.
 */
export function chooseAsAnswered(root: Document): void {
  root.addEventListener("htmx:after:swap", (event) => {
    const { target } = (event as SwapEvent).detail.ctx;
    if (!(target instanceof Element) || !target.matches("form.builder")) return;
    for (const select of target.querySelectorAll("select")) {
      const chosen = [...select.options].findIndex((option) => option.hasAttribute("selected"));
      select.selectedIndex = Math.max(0, chosen);
    }
  });
}
