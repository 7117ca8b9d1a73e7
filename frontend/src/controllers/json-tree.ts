import { Controller } from "@hotwired/stimulus";

/** Search, fold, raw text and copy for a tree the server drew: see templates/components/json.html. */
export default class JsonTreeController extends Controller<HTMLElement> {
  static override targets = ["tree", "raw", "query", "found", "rawButton", "copyButton"];

  declare readonly treeTarget: HTMLElement;
  declare readonly rawTarget: HTMLElement;
  declare readonly queryTarget: HTMLInputElement;
  declare readonly foundTarget: HTMLElement;
  declare readonly rawButtonTarget: HTMLElement;
  declare readonly copyButtonTarget: HTMLElement;
  private at = -1;

  search(): void {
    const words = this.queryTarget.value.trim().toLowerCase();
    for (const hit of this.hits) hit.removeAttribute("data-hit");
    this.at = -1;
    if (words) this.parts.filter((part) => part.textContent?.toLowerCase().includes(words)).forEach(mark);
    const count = this.hits.length;
    this.foundTarget.textContent = words ? `${count} ${count === 1 ? "match" : "matches"}` : "";
    this.next();
  }

  next(): void {
    const hits = this.hits;
    if (!hits.length) return;
    this.at = (this.at + 1) % hits.length;
    hits[this.at]?.scrollIntoView?.({ block: "nearest" });
  }

  expand(): void {
    for (const branch of this.branches) branch.open = true;
  }

  fold(): void {
    for (const branch of this.branches) branch.open = false;
  }

  raw(): void {
    const shown = this.rawTarget.hidden;
    this.rawTarget.hidden = !shown;
    this.treeTarget.hidden = shown;
    this.rawButtonTarget.setAttribute("aria-pressed", String(shown));
  }

  async copy(): Promise<void> {
    await navigator.clipboard.writeText(this.rawTarget.textContent ?? "");
    this.copyButtonTarget.textContent = "Copied";
    window.setTimeout(() => (this.copyButtonTarget.textContent = "Copy"), 1500);
  }

  private get branches(): HTMLDetailsElement[] {
    return [...this.treeTarget.querySelectorAll("details")];
  }

  private get parts(): HTMLElement[] {
    return [...this.treeTarget.querySelectorAll<HTMLElement>('[class^="json-"]:not(.json-size)')];
  }

  private get hits(): HTMLElement[] {
    return [...this.treeTarget.querySelectorAll<HTMLElement>("[data-hit]")];
  }
}

function mark(part: HTMLElement): void {
  part.dataset.hit = "";
  for (let branch = part.closest("details"); branch; branch = branch.parentElement?.closest("details") ?? null) branch.open = true;
}
