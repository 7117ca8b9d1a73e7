CREATE TABLE "headrace_planner"."s7_r2_1_plan" AS
SELECT
  CASE WHEN "_place" = 1 THEN "_key" END AS "_key",
  "_key" AS "_shared_key",
  "_hash",
  "_times",
  "c0",
  "c1",
  "c2",
  "c3",
  "c4"
FROM (
  SELECT
    "_key",
    "_hash",
    ROW_NUMBER() OVER (PARTITION BY "_key" ORDER BY "c1" ASC, "_hash" ASC) AS "_place",
    COUNT(*) OVER (PARTITION BY "_key") AS "_times",
    "c0",
    "c1",
    "c2",
    "c3",
    "c4"
  FROM (
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
      CAST(CAST(AT_TIMEZONE("seen_at", 'UTC') AS TIMESTAMP(6)) AS VARCHAR) || '+00:00' AS "c3",
      JSON_FORMAT(CAST("tags" AS JSON)) AS "c4"
    FROM (
SELECT id, name, "score" FROM customers -- everybody
) AS "_headrace_model"
  ) AS "m"
) AS "p";
