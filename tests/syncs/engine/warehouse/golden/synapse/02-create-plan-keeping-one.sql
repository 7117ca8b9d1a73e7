CREATE TABLE [headrace_planner].[s7_r2_1_plan] WITH (DISTRIBUTION = ROUND_ROBIN, HEAP) AS
SELECT
  CASE WHEN [_place] = 1 THEN [_key] END AS [_key],
  [_key] AS [_shared_key],
  [_hash],
  [_times],
  [c0],
  [c1],
  [c2],
  [c3],
  [c4]
FROM (
  SELECT
    [_key],
    [_hash],
    ROW_NUMBER() OVER (
      PARTITION BY [_key]
      ORDER BY CASE WHEN [c1] IS NULL THEN 1 ELSE 0 END, [c1] ASC, CASE WHEN [_hash] IS NULL THEN 1 ELSE 0 END, [_hash] ASC
    ) AS [_place],
    COUNT(*) OVER (PARTITION BY [_key]) AS [_times],
    [c0],
    [c1],
    [c2],
    [c3],
    [c4]
  FROM (
    SELECT
      CAST([id] AS NVARCHAR(MAX)) COLLATE Latin1_General_100_BIN2 AS [_key],
      CONVERT(
        CHAR(64),
        HASHBYTES(
          'SHA2_256',
          COALESCE(
            CAST(DATALENGTH(CAST([id] AS NVARCHAR(MAX))) AS VARCHAR(20)) + ':' + CAST([id] AS NVARCHAR(MAX)),
            '~'
          ) + COALESCE(
            CAST(DATALENGTH(CAST([näme "x"] AS NVARCHAR(MAX))) AS VARCHAR(20)) + ':' + CAST([näme "x"] AS NVARCHAR(MAX)),
            '~'
          ) + COALESCE(
            CAST(DATALENGTH(CONVERT(NVARCHAR(MAX), [score], 3)) AS VARCHAR(20)) + ':' + CONVERT(NVARCHAR(MAX), [score], 3),
            '~'
          ) + COALESCE(
            CAST(DATALENGTH(CONVERT(NVARCHAR(MAX), SWITCHOFFSET([seen_at], '+00:00'), 127)) AS VARCHAR(20)) + ':' + CONVERT(NVARCHAR(MAX), SWITCHOFFSET([seen_at], '+00:00'), 127),
            '~'
          ) + COALESCE(
            CAST(DATALENGTH(CAST([tags] AS NVARCHAR(MAX))) AS VARCHAR(20)) + ':' + CAST([tags] AS NVARCHAR(MAX)),
            '~'
          )
        ),
        2
      ) AS [_hash],
      [id] AS [c0],
      [näme "x"] AS [c1],
      [score] AS [c2],
      [seen_at] AS [c3],
      [tags] AS [c4]
    FROM (
SELECT id, name, "score" FROM customers -- everybody
) AS [_headrace_model]
  ) AS [m]
) AS [p];
