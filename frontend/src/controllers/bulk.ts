import { Controller } from "@hotwired/stimulus";

/** Ticked rows: select all on this page, how many, clear. CSS shows the bar while a row is ticked. */
export default class BulkController extends Controller<HTMLFormElement> {
  static override targets = ["all", "row", "count"];

  declare readonly allTarget: HTMLInputElement;
  declare readonly rowTargets: HTMLInputElement[];
  declare readonly countTarget: HTMLElement;

  override connect(): void {
    this.count();
  }

  toggleAll(): void {
    for (const row of this.rowTargets) row.checked = this.allTarget.checked;
    this.count();
  }

  clear(event: Event): void {
    event.preventDefault();
    this.allTarget.checked = false;
    this.toggleAll();
  }

  count(): void {
    const ticked = this.rowTargets.filter((row) => row.checked).length;
    this.allTarget.checked = ticked > 0 && ticked === this.rowTargets.length;
    this.allTarget.indeterminate = ticked > 0 && ticked < this.rowTargets.length;
    this.countTarget.textContent = ticked === 1 ? "1 row selected" : `${ticked} rows selected`;
  }
}
