CREATE TABLE "headrace_planner"."s7_r2_1_rejections" AS
SELECT
  "n"."_key" AS "_key",
  "n"."_hash" AS "_hash",
  0 AS "_present",
  0 AS "_forced",
  CAST(NULL AS TEXT) AS "_operation",
  CAST(NULL AS TEXT) AS "_reason",
  CAST(NULL AS TEXT) AS "_code",
  CAST(NULL AS TEXT) AS "_message",
  CAST(NULL AS TEXT) AS "_field",
  "n"."c0" AS "c0",
  "n"."c1" AS "c1",
  "n"."c2" AS "c2",
  "n"."c3" AS "c3",
  "n"."c4" AS "c4"
FROM "headrace_planner"."s7_r2_1_plan" AS "n"
WHERE
  1 = 0;
