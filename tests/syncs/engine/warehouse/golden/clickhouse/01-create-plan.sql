CREATE TABLE "headrace_planner"."s7_r2_1_plan"
ENGINE=MergeTree()
ORDER BY () AS
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
) AS "_headrace_model";
