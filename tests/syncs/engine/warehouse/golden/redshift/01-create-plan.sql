CREATE TABLE "headrace_planner"."s7_r2_1_plan" AS
SELECT
  CAST("id" AS VARCHAR(MAX)) AS "_key",
  MD5(
    COALESCE(MD5(CAST("id" AS VARCHAR(MAX))), '~') || COALESCE(MD5(CAST("näme ""x""" AS VARCHAR(MAX))), '~') || COALESCE(MD5(CAST("score" AS VARCHAR(MAX))), '~') || COALESCE(MD5(CAST("seen_at" AS VARCHAR(MAX))), '~') || COALESCE(MD5(JSON_SERIALIZE("tags")), '~')
  ) AS "_hash",
  "id" AS "c0",
  "näme ""x""" AS "c1",
  "score" AS "c2",
  "seen_at" AS "c3",
  "tags" AS "c4"
FROM (
SELECT id, name, "score" FROM customers -- everybody
) AS "_headrace_model";
