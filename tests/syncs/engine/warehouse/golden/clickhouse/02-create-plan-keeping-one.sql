CREATE TABLE "headrace_planner"."s7_r2_1_plan"
ENGINE=MergeTree()
ORDER BY () AS
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
      CAST("id" AS Nullable(String)) AS "_key",
      LOWER(
        HEX(
          MD5(
            COALESCE(
              CAST(CHAR_LENGTH(CAST("id" AS Nullable(String))) AS Nullable(String)) || ':' || CAST("id" AS Nullable(String)),
              '~'
            ) || COALESCE(
              CAST(CHAR_LENGTH(CAST("näme ""x""" AS Nullable(String))) AS Nullable(String)) || ':' || CAST("näme ""x""" AS Nullable(String)),
              '~'
            ) || COALESCE(
              CAST(CHAR_LENGTH(CAST("score" AS Nullable(String))) AS Nullable(String)) || ':' || CAST("score" AS Nullable(String)),
              '~'
            ) || COALESCE(
              CAST(CHAR_LENGTH(toString("seen_at", 'UTC')) AS Nullable(String)) || ':' || toString("seen_at", 'UTC'),
              '~'
            ) || COALESCE(
              CAST(CHAR_LENGTH(toJSONString("tags")) AS Nullable(String)) || ':' || toJSONString("tags"),
              '~'
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
) AS "_headrace_model"
  ) AS "m"
) AS "p";
