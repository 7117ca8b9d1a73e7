CREATE TABLE [headrace_planner].[s7_r2_1_plan] WITH (DISTRIBUTION = ROUND_ROBIN, HEAP) AS
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
) AS [_headrace_model];
