SELECT
  "n"."_key" AS "_key",
  "d"."_times" AS "_times",
  "n"."c0" AS "c0",
  "n"."c1" AS "c1",
  "n"."c2" AS "c2",
  TRY_CAST("n"."c3" AS TIMESTAMP(6) WITH TIME ZONE) AS "c3",
  TRY(JSON_PARSE("n"."c4")) AS "c4"
FROM "headrace_planner"."s7_r2_1_plan" AS "n"
JOIN "headrace_planner"."s7_r2_1_changes" AS "d"
  ON "n"."_key" = "d"."_key"
WHERE
  "d"."_operation" = 'duplicate';
