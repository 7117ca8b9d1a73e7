CREATE TABLE "headrace_planner"."s7_r2_1_plan" AS
SELECT
  CAST("id" AS TEXT) AS "_key",
  MD5(
    COALESCE(CAST(LENGTH(CAST("id" AS TEXT)) AS TEXT) || ':' || CAST("id" AS TEXT), '~') || COALESCE(
      CAST(LENGTH(CAST("näme ""x""" AS TEXT)) AS TEXT) || ':' || CAST("näme ""x""" AS TEXT),
      '~'
    ) || COALESCE(CAST(LENGTH(CAST("score" AS TEXT)) AS TEXT) || ':' || CAST("score" AS TEXT), '~') || COALESCE(
      CAST(LENGTH(CAST("seen_at" AS TEXT)) AS TEXT) || ':' || CAST("seen_at" AS TEXT),
      '~'
    ) || COALESCE(
      CAST(LENGTH(CAST(TO_JSON("tags") AS TEXT)) AS TEXT) || ':' || CAST(TO_JSON("tags") AS TEXT),
      '~'
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
