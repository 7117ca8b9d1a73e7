DELETE FROM [headrace_planner].[s7_r2_1_plan]
WHERE
  [_key] IN (
    SELECT
      [_key] COLLATE Latin1_General_100_BIN2
    FROM [headrace_planner].[s7_r2_1_forgotten]
  );
