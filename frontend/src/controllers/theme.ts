import { Controller } from "@hotwired/stimulus";
import { forget, read, remember } from "../cookies";

/** Light, dark or like the system; a cookie lets the server draw the next page right from its first byte. */
export default class ThemeController extends Controller<HTMLElement> {
  static override targets = ["choice"];

  declare readonly choiceTargets: HTMLElement[];

  override connect(): void {
    this.mark(read("theme") ?? "system");
  }

  choose(event: Event & { params: { name: string } }): void {
    const { name } = event.params;
    if (name === "system") {
      forget("theme");
      delete document.documentElement.dataset.theme;
    } else {
      remember("theme", name);
      document.documentElement.dataset.theme = name;
    }
    this.mark(name);
    document.dispatchEvent(new CustomEvent("headrace:theme"));
  }

  private mark(name: string): void {
    for (const choice of this.choiceTargets) {
      choice.setAttribute("aria-checked", String(choice.dataset.themeNameParam === name));
    }
  }
}
