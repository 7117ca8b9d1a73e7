import { autocompletion } from "@codemirror/autocomplete";
import { json } from "@codemirror/lang-json";
import { liquid } from "@codemirror/lang-liquid";
import { MSSQL, MySQL, PostgreSQL, StandardSQL, sql } from "@codemirror/lang-sql";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { setDiagnostics } from "@codemirror/lint";
import type { Extension } from "@codemirror/state";
import { EditorState } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { basicSetup } from "codemirror";

export interface Options {
  language: string;
  dialect: string;
  /** Table name → its columns, for completion. */
  schema: Record<string, string[]>;
}

export interface Editor {
  insert(text: string): void;
  /** Puts another text in place of everything; undo brings the old one back. */
  replace(text: string): void;
  /** Underlines from a character position to the end of its word; a negative position takes the mark away. */
  mark(position: number, message: string): void;
  remove(): void;
}

const DIALECTS: Record<string, typeof StandardSQL> = {
  postgres: PostgreSQL, redshift: PostgreSQL, duckdb: PostgreSQL, mysql: MySQL, tsql: MSSQL,
};

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: "var(--brand-ink)", fontWeight: "500" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--good)" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: "var(--draft)" },
  { tag: [tags.comment, tags.meta], color: "var(--ink-3)", fontStyle: "italic" },
  { tag: [tags.propertyName, tags.typeName, tags.variableName, tags.tagName], color: "var(--ink)" },
  { tag: [tags.processingInstruction, tags.function(tags.variableName)], color: "var(--warn)" },
]);

const look = EditorView.theme({
  "&": { color: "var(--ink)", backgroundColor: "var(--surface)", fontSize: "0.8125rem" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--font-code)", lineHeight: "1.3125rem", padding: "0.375rem 0", minHeight: "9rem", maxHeight: "32rem", overflow: "auto" },
  ".cm-content": { caretColor: "var(--ink)", padding: "0" },
  ".cm-gutters": { backgroundColor: "var(--sunken)", color: "var(--ink-3)", border: "none", borderRight: "1px solid var(--line)" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--hover) 60%, transparent)" },
  ".cm-activeLineGutter": { backgroundColor: "var(--hover)", color: "var(--ink-2)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground, .cm-content ::selection": { backgroundColor: "var(--brand-soft) !important" },
  ".cm-matchingBracket": { backgroundColor: "var(--brand-soft) !important", outline: "1px solid var(--line)" },
  ".cm-selectionMatch": { backgroundColor: "var(--warn-soft)" },
  ".cm-tooltip": { backgroundColor: "var(--surface)", color: "var(--ink)", border: "1px solid var(--line)", borderRadius: "6px", boxShadow: "var(--float)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--brand-soft)", color: "var(--brand-ink)" },
  ".cm-panels": { backgroundColor: "var(--sunken)", color: "var(--ink)" },
  ".cm-foldPlaceholder": { backgroundColor: "var(--sunken)", border: "1px solid var(--line)", color: "var(--ink-3)" },
});

/**
 * Puts an editor in place of a textarea and keeps the textarea's value in step.
 * It lives in a shadow root, where its styles are constructed sheets that the content security policy allows.
 */
export function makeEditor(textarea: HTMLTextAreaElement, options: Options): Editor {
  const host = Object.assign(document.createElement("div"), { className: "code-host" });
  textarea.after(host);
  textarea.hidden = true;
  const root = host.attachShadow({ mode: "open" });
  const view = new EditorView({ parent: root, root, state: state(textarea, options) });
  const onFocus = (): void => view.focus();
  for (const label of textarea.labels ?? []) label.addEventListener("click", onFocus);
  return {
    insert(text) {
      view.dispatch(view.state.replaceSelection(text));
      view.focus();
    },
    replace(text) {
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
      view.focus();
    },
    mark(position, message) {
      if (position < 0) {
        view.dispatch(setDiagnostics(view.state, []));
        return;
      }
      const from = Math.min(position, view.state.doc.length);
      const word = view.state.wordAt(from);
      const to = word?.to ?? Math.min(from + 1, view.state.doc.length);
      view.dispatch(setDiagnostics(view.state, [{ from: word?.from ?? from, to, severity: "error", message }]));
      view.dispatch({ effects: EditorView.scrollIntoView(from, { y: "center" }) });
    },
    remove() {
      view.destroy();
      host.remove();
      textarea.hidden = false;
    },
  };
}

function state(textarea: HTMLTextAreaElement, options: Options): EditorState {
  const label = textarea.labels?.[0]?.textContent?.trim() || textarea.getAttribute("aria-label") || "Code";
  const attributes: Record<string, string> = { "aria-label": label };
  if (textarea.getAttribute("aria-invalid") === "true") attributes["aria-invalid"] = "true";
  return EditorState.create({
    doc: textarea.value,
    extensions: [
      keymap.of([{ key: "Mod-Enter", run: () => textarea.dispatchEvent(new CustomEvent("code-editor:run", { bubbles: true })) }]),
      basicSetup,
      autocompletion({ activateOnTyping: true }),
      language(options),
      syntaxHighlighting(colours),
      look,
      EditorView.lineWrapping,
      EditorState.readOnly.of(textarea.readOnly || textarea.disabled),
      EditorView.contentAttributes.of(attributes),
      EditorView.updateListener.of((update) => {
        if (!update.docChanged) return;
        textarea.value = update.state.doc.toString();
        textarea.dispatchEvent(new Event("input", { bubbles: true }));
      }),
    ],
  });
}

function language({ language: name, dialect, schema }: Options): Extension {
  if (name === "json") return json();
  if (name === "liquid") return liquid();
  if (name === "sql") return sql({ dialect: DIALECTS[dialect] ?? StandardSQL, schema, upperCaseKeywords: false });
  return [];
}
