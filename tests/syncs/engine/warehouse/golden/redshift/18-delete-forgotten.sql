DELETE FROM "headrace_planner"."s7_r2_1_plan"
WHERE
  "_key" IN (
    SELECT
      "_key"
    FROM "headrace_planner"."s7_r2_1_forgotten"
  );
