import { expect, test } from "vitest";
import { mount } from "../testing";
import ProblemsController from "./problems";

test("takes the focus when it arrives", async () => {
  const summary = await mount('<div tabindex="-1" data-controller="problems"></div>', "problems", ProblemsController);
  expect(document.activeElement).toBe(summary);
});
