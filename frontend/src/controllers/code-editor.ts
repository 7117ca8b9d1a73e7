import { Controller } from "@hotwired/stimulus";
import type { Editor } from "../islands/editor";

/**
 * Turns a textarea into an editor; the textarea stays the form's value.
 *
 *   <textarea data-controller="code-editor" data-code-editor-language-value="sql"
 *             data-code-editor-dialect-value="postgres" data-code-editor-schema-url-value="/…/schema"></textarea>
 *
 * `data-code-editor-error-at-value` (a character position) and `…-error-words-value` underline what was refused.
 * `code-editor:insert` with {text} on the textarea inserts at the cursor, `code-editor:replace` replaces everything,
 * `code-editor:mark` with {at, words} underlines; Ctrl+Enter dispatches `code-editor:run`.
 */
export default class CodeEditorController extends Controller<HTMLTextAreaElement> {
  static override values = { language: String, dialect: String, schemaUrl: String, errorAt: { type: Number, default: -1 }, errorWords: String };

  declare readonly languageValue: string;
  declare readonly dialectValue: string;
  declare readonly schemaUrlValue: string;
  declare readonly errorAtValue: number;
  declare readonly errorWordsValue: string;
  private editor?: Editor;
  private readonly onInsert = (event: Event): void => {
    this.editor?.insert((event as CustomEvent<{ text: string }>).detail.text);
  };

  private readonly onReplace = (event: Event): void => {
    this.editor?.replace((event as CustomEvent<{ text: string }>).detail.text);
  };
  private readonly onMark = (event: Event): void => {
    const { at, words } = (event as CustomEvent<{ at: number; words: string }>).detail;
    this.editor?.mark(at, words);
  };

  override async connect(): Promise<void> {
    const { makeEditor } = await import("../islands/editor");
    if (!this.element.isConnected || this.editor) return;
    const schema = await this.schema();
    this.editor = makeEditor(this.element, { language: this.languageValue, dialect: this.dialectValue, schema });
    if (this.errorAtValue >= 0) this.editor.mark(this.errorAtValue, this.errorWordsValue);
    this.element.addEventListener("code-editor:insert", this.onInsert);
    this.element.addEventListener("code-editor:replace", this.onReplace);
    this.element.addEventListener("code-editor:mark", this.onMark);
  }

  override disconnect(): void {
    this.element.removeEventListener("code-editor:insert", this.onInsert);
    this.element.removeEventListener("code-editor:replace", this.onReplace);
    this.element.removeEventListener("code-editor:mark", this.onMark);
    this.editor?.remove();
    this.editor = undefined;
  }

  private async schema(): Promise<Record<string, string[]>> {
    if (!this.schemaUrlValue) return {};
    const answer = await fetch(this.schemaUrlValue, { headers: { Accept: "application/json" } });
    return answer.ok ? ((await answer.json()) as Record<string, string[]>) : {};
  }
}
