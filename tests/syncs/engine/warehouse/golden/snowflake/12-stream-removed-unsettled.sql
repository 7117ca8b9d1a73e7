SELECT
  "d"."_key" AS "_key",
  "d"."_present" AS "_present",
  "d"."_forced" AS "_forced",
  "d"."_unsettled" AS "_unsettled",
  "b"."c0" AS "c0",
  "b"."c1" AS "c1",
  "b"."c2" AS "c2",
  "b"."c3" AS "c3",
  "b"."c4" AS "c4"
FROM "headrace_planner"."s7_r2_1_changes" AS "d"
JOIN "headrace_planner"."s7_r1_1_rejections" AS "b"
  ON "d"."_key" = "b"."_key"
WHERE
  "d"."_operation" = 'removed' AND "d"."_unsettled" = 1;
