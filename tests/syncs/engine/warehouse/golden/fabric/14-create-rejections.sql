CREATE TABLE [headrace_planner].[s7_r2_1_rejections] AS
SELECT
  [e].[_key] AS [_key],
  [e].[_hash] AS [_hash],
  [e].[_present] AS [_present],
  [e].[_forced] AS [_forced],
  [e].[_operation] AS [_operation],
  [e].[_reason] AS [_reason],
  [e].[_code] AS [_code],
  [e].[_message] AS [_message],
  [e].[_field] AS [_field],
  CASE
    WHEN NOT [e].[_in_new] IS NULL
    THEN [n].[c0]
    WHEN NOT [e].[_in_plan] IS NULL
    THEN [b].[c0]
    WHEN NOT [e].[_in_rejections] IS NULL
    THEN [r].[c0]
  END AS [c0],
  CASE
    WHEN NOT [e].[_in_new] IS NULL
    THEN [n].[c1]
    WHEN NOT [e].[_in_plan] IS NULL
    THEN [b].[c1]
    WHEN NOT [e].[_in_rejections] IS NULL
    THEN [r].[c1]
  END AS [c1],
  CASE
    WHEN NOT [e].[_in_new] IS NULL
    THEN [n].[c2]
    WHEN NOT [e].[_in_plan] IS NULL
    THEN [b].[c2]
    WHEN NOT [e].[_in_rejections] IS NULL
    THEN [r].[c2]
  END AS [c2],
  CASE
    WHEN NOT [e].[_in_new] IS NULL
    THEN [n].[c3]
    WHEN NOT [e].[_in_plan] IS NULL
    THEN [b].[c3]
    WHEN NOT [e].[_in_rejections] IS NULL
    THEN [r].[c3]
  END AS [c3],
  CASE
    WHEN NOT [e].[_in_new] IS NULL
    THEN [n].[c4]
    WHEN NOT [e].[_in_plan] IS NULL
    THEN [b].[c4]
    WHEN NOT [e].[_in_rejections] IS NULL
    THEN [r].[c4]
  END AS [c4]
FROM (
  SELECT
    [o].[_key] COLLATE Latin1_General_100_BIN2_UTF8 AS [_key],
    [d].[_base_hash] AS [_hash],
    COALESCE([d].[_present], 0) AS [_present],
    CASE WHEN [d].[_forced] = 1 OR [o].[_in_doubt] = 1 THEN 1 ELSE 0 END AS [_forced],
    [o].[_operation] AS [_operation],
    [o].[_reason] AS [_reason],
    [o].[_code] AS [_code],
    [o].[_message] AS [_message],
    [o].[_field] AS [_field],
    CASE
      WHEN [o].[_operation] = 'added'
      THEN [o].[_key] COLLATE Latin1_General_100_BIN2_UTF8
    END AS [_in_new],
    CASE
      WHEN NOT [o].[_operation] = 'added' AND [d].[_present] = 1 AND [d].[_unsettled] = 0
      THEN [o].[_key] COLLATE Latin1_General_100_BIN2_UTF8
    END AS [_in_plan],
    CASE
      WHEN NOT [o].[_operation] = 'added' AND [d].[_unsettled] = 1
      THEN [o].[_key] COLLATE Latin1_General_100_BIN2_UTF8
    END AS [_in_rejections]
  FROM [headrace_planner].[s7_r2_1_outcomes] AS [o]
  LEFT JOIN [headrace_planner].[s7_r2_1_changes] AS [d]
    ON (
      [o].[_key] COLLATE Latin1_General_100_BIN2_UTF8
    ) = [d].[_key]
  UNION ALL
  SELECT
    [d].[_key] AS [_key],
    [d].[_base_hash] AS [_hash],
    [d].[_present] AS [_present],
    [d].[_forced] AS [_forced],
    CAST(NULL AS VARCHAR(MAX)) AS [_operation],
    CAST('duplicate' AS VARCHAR(MAX)) AS [_reason],
    CAST('duplicate_key' AS VARCHAR(MAX)) AS [_code],
    CAST('The primary key is not unique.' AS VARCHAR(MAX)) AS [_message],
    CAST(NULL AS VARCHAR(MAX)) AS [_field],
    CASE WHEN NOT [d].[_times] > 1 THEN [d].[_key] END AS [_in_new],
    CASE
      WHEN [d].[_times] > 1 AND [d].[_present] = 1 AND [d].[_unsettled] = 0
      THEN [d].[_key]
    END AS [_in_plan],
    CASE WHEN [d].[_times] > 1 AND [d].[_unsettled] = 1 THEN [d].[_key] END AS [_in_rejections]
  FROM [headrace_planner].[s7_r2_1_changes] AS [d]
  WHERE
    [d].[_operation] = 'duplicate'
) AS [e]
LEFT JOIN [headrace_planner].[s7_r2_1_plan] AS [n]
  ON [e].[_in_new] = [n].[_key]
LEFT JOIN [headrace_planner].[s7_r1_1_plan] AS [b]
  ON [e].[_in_plan] = [b].[_key]
LEFT JOIN [headrace_planner].[s7_r1_1_rejections] AS [r]
  ON [e].[_in_rejections] = [r].[_key];
