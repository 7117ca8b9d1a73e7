import { describe, expect, it } from "vitest";
import { mount } from "../testing";
import SchemaMapController from "./schema-map";

const PICTURE = `
  <section data-controller="schema-map">
    <svg><g data-schema-map-target="link" data-ends="1 2"></g><g data-schema-map-target="link" data-ends="2 3"></g></svg>
    <div id="one" data-schema-map-target="node" data-model="1" data-action="focusin->schema-map#show focusout->schema-map#hide"></div>
    <div id="two" data-schema-map-target="node" data-model="2"></div>
    <div id="three" data-schema-map-target="node" data-model="3"></div>
  </section>`;

describe("schema-map", () => {
  it("shows what a model is linked with while it is pointed at", async () => {
    await mount(PICTURE, "schema-map", SchemaMapController);
    const one = document.querySelector("#one")!;
    one.dispatchEvent(new Event("focusin", { bubbles: true }));
    const lit = [...document.querySelectorAll("g")].map((link) => link.hasAttribute("data-lit"));
    const dim = ["one", "two", "three"].map((id) => document.getElementById(id)!.hasAttribute("data-dim"));
    expect(lit).toEqual([true, false]);
    expect(dim).toEqual([false, false, true]);
    one.dispatchEvent(new Event("focusout", { bubbles: true }));
    expect(document.querySelectorAll("[data-lit], [data-dim]")).toHaveLength(0);
  });
});
