SELECT
  "d"."_key" AS "_key",
  "d"."_present" AS "_present",
  "d"."_forced" AS "_forced",
  "d"."_unsettled" AS "_unsettled",
  "n"."c0" AS "c0",
  "n"."c1" AS "c1",
  "n"."c2" AS "c2",
  TRY_CAST("n"."c3" AS TIMESTAMP(6) WITH TIME ZONE) AS "c3",
  TRY(JSON_PARSE("n"."c4")) AS "c4",
  "b"."c0" AS "o0",
  "b"."c1" AS "o1",
  "b"."c2" AS "o2",
  "b"."c3" AS "o3",
  "b"."c4" AS "o4"
FROM "headrace_planner"."s7_r2_1_changes" AS "d"
JOIN "headrace_planner"."s7_r2_1_plan" AS "n"
  ON "d"."_key" = "n"."_key"
JOIN "headrace_planner"."s7_r1_1_plan" AS "b"
  ON "d"."_key" = "b"."_key"
WHERE
  "d"."_operation" = 'changed' AND "d"."_unsettled" = 0;
