import { Controller } from "@hotwired/stimulus";

const OWN_CLICK = "a, button, input, label, select, textarea, summary, [data-no-row-click]";

/**
 * A click on a row opens it, and cells carry their column's name, so that narrow screens can show rows as cards.
 *
 *   <div data-controller="table"><table><tr data-href="/syncs/1">…</tr></table></div>
 */
export default class TableController extends Controller<HTMLElement> {
  private readonly onClick = (event: MouseEvent): void => this.clicked(event);
  private readonly watcher = new MutationObserver(() => this.label());

  override connect(): void {
    this.element.addEventListener("click", this.onClick);
    this.label();
    // A morph takes away what the server did not write, even where nothing else changed.
    this.watcher.observe(this.element, { childList: true, subtree: true, attributeFilter: ["data-label", "role"] });
  }

  override disconnect(): void {
    this.element.removeEventListener("click", this.onClick);
    this.watcher.disconnect();
  }

  private label(): void {
    const names = [...this.element.querySelectorAll("thead th")].map((cell) => cell.textContent?.trim() ?? "");
    for (const row of this.element.querySelectorAll<HTMLTableRowElement>(".table-collapse tbody tr")) {
      if (!row.hasAttribute("role")) row.setAttribute("role", "row");
      [...row.cells].forEach((cell, at) => {
        if (names[at] && !cell.dataset.label) cell.dataset.label = names[at];
        if (!cell.hasAttribute("role")) cell.setAttribute("role", cell.tagName === "TH" ? "rowheader" : "cell");
      });
    }
  }

  private clicked(event: MouseEvent): void {
    const target = event.target as HTMLElement;
    const row = target.closest<HTMLElement>("tr[data-href]");
    if (!row?.dataset.href || target.closest(OWN_CLICK) || String(window.getSelection() ?? "")) return;
    const link = row.querySelector<HTMLAnchorElement>("a[href]");
    if (event.metaKey || event.ctrlKey) window.open(row.dataset.href, "_blank", "noopener");
    else if (link && link.getAttribute("href") === row.dataset.href) link.click();
    else location.assign(row.dataset.href);
  }
}
