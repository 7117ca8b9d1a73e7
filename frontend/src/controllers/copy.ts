import { Controller } from "@hotwired/stimulus";

const SHOWN_MS = 1500;

/**
 * Copies a text and says so for a moment.
 *
 *   <span data-controller="copy" data-copy-text-value="42">
 *     <button data-action="copy#copy"><span data-copy-target="idle">…</span><span data-copy-target="done" hidden>…</span></button>
 *   </span>
 */
export default class CopyController extends Controller<HTMLElement> {
  static override values = { text: String };
  static override targets = ["idle", "done"];

  declare readonly textValue: string;
  declare readonly idleTarget: HTMLElement;
  declare readonly doneTarget: HTMLElement;

  async copy(): Promise<void> {
    await navigator.clipboard.writeText(this.textValue);
    this.show(true);
    window.setTimeout(() => this.show(false), SHOWN_MS);
  }

  private show(done: boolean): void {
    this.doneTarget.hidden = !done;
    this.idleTarget.hidden = done;
  }
}
