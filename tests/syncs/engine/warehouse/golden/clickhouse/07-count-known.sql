SELECT
  SUM(CASE WHEN "r"."_operation" IN ('added', 'changed') THEN 1 ELSE 0 END) AS "in_result",
  SUM(CASE WHEN "r"."_present" = 1 THEN 1 ELSE 0 END) AS "held",
  SUM(
    CASE
      WHEN "r"."_operation" = 'removed' AND "d"."_operation" = 'removed'
      THEN 1
      ELSE 0
    END
  ) AS "again"
FROM "headrace_planner"."s7_r1_1_rejections" AS "r"
LEFT JOIN "headrace_planner"."s7_r2_1_changes" AS "d"
  ON "r"."_key" = "d"."_key";
