import "../styles/main.css";
import { Application } from "@hotwired/stimulus";
import htmx from "htmx.org";
import { followEdits } from "./builder-focus";
import { register } from "./controllers";
import { supportCommands } from "./commands";
import { chooseAsAnswered, secureRequests } from "./requests";

secureRequests(document);
chooseAsAnswered(document);
followEdits(document);
supportCommands(document);
register(Application.start());

// Sign-up remembers the zone of the browser.
for (const field of document.querySelectorAll<HTMLInputElement>("input[data-timezone]")) {
  field.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
}

// Alpine is loaded only by a page that uses it.
if (document.querySelector("[x-data]")) {
  void import("@alpinejs/csp").then(({ default: Alpine }) => Alpine.start());
}

export { htmx };
