import { Controller } from "@hotwired/stimulus";

/**
 * The page on which a query is written: Ctrl+Enter previews, a refused place is underlined, samples fill the editor.
 *
 *   <div data-controller="query" data-action="code-editor:run->query#run">
 *     <form>
 *       <textarea data-query-target="text"></textarea> <button data-query-target="preview">Preview</button>
 *       <p data-query-target="verdict" data-query-at="12">No such column</p>
 *     </form>
 *     <a href="?sql=…" data-action="query#use:prevent" data-query-sql-param="SELECT …">A sample</a>
 *   </div>
 */
export default class QueryController extends Controller<HTMLElement> {
  static override targets = ["text", "preview", "verdict"];

  declare readonly textTarget: HTMLTextAreaElement;
  declare readonly hasTextTarget: boolean;
  declare readonly previewTarget: HTMLButtonElement;

  run(): void {
    this.previewTarget.click();
  }

  use(event: Event & { params: { sql: string } }): void {
    this.tell("replace", { text: event.params.sql });
  }

  /** The answer to a preview has arrived; without a place in it, an earlier mark goes. */
  verdictTargetConnected(verdict: HTMLElement): void {
    this.tell("mark", { at: Number(verdict.dataset.queryAt ?? -1), words: verdict.textContent?.trim() ?? "" });
  }

  private tell(what: string, detail: object): void {
    if (this.hasTextTarget) this.textTarget.dispatchEvent(new CustomEvent(`code-editor:${what}`, { detail }));
  }
}
