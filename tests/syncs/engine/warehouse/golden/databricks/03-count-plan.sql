SELECT
  COUNT(*) AS `rows`,
  COUNT(`_key`) AS `keyed`,
  0 AS `surplus`
FROM `headrace_planner`.`s7_r2_1_plan`;
