CREATE TABLE [headrace_planner].[s7_r2_1_plan] AS
SELECT
  CAST([id] AS VARCHAR(MAX)) COLLATE Latin1_General_100_BIN2_UTF8 AS [_key],
  CONVERT(
    CHAR(64),
    HASHBYTES(
      'SHA2_256',
      COALESCE(
        CAST(DATALENGTH(CAST([id] AS VARCHAR(MAX))) AS VARCHAR(20)) + ':' + CAST([id] AS VARCHAR(MAX)),
        '~'
      ) + COALESCE(
        CAST(DATALENGTH(CAST([näme "x"] AS VARCHAR(MAX))) AS VARCHAR(20)) + ':' + CAST([näme "x"] AS VARCHAR(MAX)),
        '~'
      ) + COALESCE(
        CAST(DATALENGTH(CONVERT(VARCHAR(MAX), [score], 3)) AS VARCHAR(20)) + ':' + CONVERT(VARCHAR(MAX), [score], 3),
        '~'
      ) + COALESCE(
        CAST(DATALENGTH(CONVERT(VARCHAR(MAX), [seen_at], 126)) AS VARCHAR(20)) + ':' + CONVERT(VARCHAR(MAX), [seen_at], 126),
        '~'
      ) + COALESCE(
        CAST(DATALENGTH(CAST([tags] AS VARCHAR(MAX))) AS VARCHAR(20)) + ':' + CAST([tags] AS VARCHAR(MAX)),
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
