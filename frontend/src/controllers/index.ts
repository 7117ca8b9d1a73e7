import type { Application } from "@hotwired/stimulus";
import builder from "./builder";
import bulk from "./bulk";
import chart from "./chart";
import codeEditor from "./code-editor";
import combobox from "./combobox";
import conditions from "./conditions";
import confirmName from "./confirm-name";
import copy from "./copy";
import drawer from "./drawer";
import filing from "./filing";
import filters from "./filters";
import form from "./form";
import jsonTree from "./json-tree";
import lines from "./lines";
import mapper from "./mapper";
import menu from "./menu";
import order from "./order";
import palette from "./palette";
import payload from "./payload";
import problems from "./problems";
import query from "./query";
import rail from "./rail";
import references from "./references";
import rename from "./rename";
import rows from "./rows";
import schemaMap from "./schema-map";
import shortcuts from "./shortcuts";
import table from "./table";
import theme from "./theme";
import time from "./time";
import toasts from "./toasts";
import upload from "./upload";
import values from "./values";

/** Every controller by the name its markup uses in `data-controller`. */
export const controllers = {
  builder, bulk, chart, "code-editor": codeEditor, combobox, conditions, "confirm-name": confirmName, copy, drawer, filing, filters, form,
  "json-tree": jsonTree, lines, mapper, menu, order, palette, payload, problems, query, rail, references, rename, rows, "schema-map": schemaMap, shortcuts, table, theme, time, toasts, upload, values,
};

export function register(application: Application): void {
  for (const [name, controller] of Object.entries(controllers)) application.register(name, controller);
}
