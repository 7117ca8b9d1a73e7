import { Controller } from "@hotwired/stimulus";

/**
 * Opens the JSON of a textarea on a page elsewhere, as `{key: JSON}` behind its address; offered where JSON is written.
 *
 *   <div data-controller="builder" data-builder-url-value="https://…/#" data-builder-key-value="blocks"
 *        data-action="input->builder#judge"><textarea></textarea>
 *     <button type="button" data-builder-target="button" data-action="builder#open" hidden>…</button>
 *     <p role="status" data-builder-target="words" hidden></p></div>
 */
export default class BuilderController extends Controller<HTMLElement> {
  static override values = { url: String, key: String };
  static override targets = ["button", "words"];

  declare readonly urlValue: string;
  declare readonly keyValue: string;
  declare readonly buttonTarget: HTMLButtonElement;
  declare readonly wordsTarget: HTMLElement;

  override connect(): void {
    this.judge();
  }

  judge(): void {
    this.buttonTarget.hidden = !/^\s*[[{]/.test(this.text);
    this.say("");
  }

  open(): void {
    let written: unknown;
    try {
      written = JSON.parse(this.text);
    } catch (error) {
      this.say(`This is not JSON yet: ${(error as Error).message}. Liquid can only be shown inside quotes.`);
      return;
    }
    this.say("");
    window.open(this.urlValue + encodeURIComponent(JSON.stringify({ [this.keyValue]: written })), "_blank", "noopener");
  }

  private get text(): string {
    return this.element.querySelector("textarea")?.value ?? "";
  }

  private say(words: string): void {
    this.wordsTarget.textContent = words;
    this.wordsTarget.hidden = !words;
  }
}
