import { Controller } from "@hotwired/stimulus";

const SHOWN_MS = 1500;

/**
 * Copies a text, or what is in an input (`data-copy-from-value`, a selector), and says so for a moment.
 *
 *   <span data-controller="copy" data-copy-text-value="42">
 *     <button data-action="copy#copy"><span data-copy-target="idle">…</span><span data-copy-target="done" hidden>…</span></button>
 *   </span>
 */
export default class CopyController extends Controller<HTMLElement> {
  static override values = { text: String, from: String };
  static override targets = ["idle", "done"];

  declare readonly textValue: string;
  declare readonly fromValue: string;
  declare readonly idleTarget: HTMLElement;
  declare readonly doneTarget: HTMLElement;

  async copy(): Promise<void> {
    const input = this.fromValue ? document.querySelector<HTMLTextAreaElement>(this.fromValue) : null;
    await navigator.clipboard.writeText(input ? input.value : this.textValue);
    this.show(true);
    window.setTimeout(() => this.show(false), SHOWN_MS);
  }

  private show(done: boolean): void {
    this.doneTarget.hidden = !done;
    this.idleTarget.hidden = done;
  }
}
