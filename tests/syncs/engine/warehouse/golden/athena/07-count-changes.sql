SELECT
  "_operation",
  "_unsettled",
  COUNT(*) AS "keys",
  SUM("_times") AS "rows"
FROM "headrace_planner"."s7_r2_1_changes"
GROUP BY
  "_operation",
  "_unsettled";
