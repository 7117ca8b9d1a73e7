CREATE TABLE "headrace_planner"."s7_r2_1_plan"
WITH (
  format='PARQUET'
) AS
SELECT
  CAST("id" AS VARCHAR) AS "_key",
  LOWER(
    TO_HEX(
      MD5(
        TO_UTF8(
          COALESCE(
            CAST(LENGTH(CAST("id" AS VARCHAR)) AS VARCHAR) || ':' || CAST("id" AS VARCHAR),
            '~'
          ) || COALESCE(
            CAST(LENGTH(CAST("näme ""x""" AS VARCHAR)) AS VARCHAR) || ':' || CAST("näme ""x""" AS VARCHAR),
            '~'
          ) || COALESCE(
            CAST(LENGTH(CAST("score" AS VARCHAR)) AS VARCHAR) || ':' || CAST("score" AS VARCHAR),
            '~'
          ) || COALESCE(
            CAST(LENGTH(CAST(CAST(AT_TIMEZONE("seen_at", 'UTC') AS TIMESTAMP(6)) AS VARCHAR) || '+00:00') AS VARCHAR) || ':' || CAST(CAST(AT_TIMEZONE("seen_at", 'UTC') AS TIMESTAMP(6)) AS VARCHAR) || '+00:00',
            '~'
          ) || COALESCE(
            CAST(LENGTH(JSON_FORMAT(CAST("tags" AS JSON))) AS VARCHAR) || ':' || JSON_FORMAT(CAST("tags" AS JSON)),
            '~'
          )
        )
      )
    )
  ) AS "_hash",
  "id" AS "c0",
  "näme ""x""" AS "c1",
  "score" AS "c2",
  "seen_at" AS "c3",
  "tags" AS "c4"
FROM (
SELECT id, name, "score" FROM customers -- everybody
) AS "_headrace_model";
