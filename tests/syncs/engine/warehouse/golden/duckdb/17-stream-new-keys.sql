SELECT
  "n"."_key" AS "_key"
FROM "headrace_planner"."s7_r2_1_plan" AS "n"
LEFT JOIN "headrace_planner"."s7_r1_1_plan" AS "b"
  ON "n"."_key" = "b"."_key"
WHERE
  NOT "n"."_key" IS NULL AND "b"."_key" IS NULL;
