CREATE TABLE "headrace_planner"."s7_r2_1_plan" AS
SELECT
  CAST("id" AS VARCHAR) AS "_key",
  MD5(
    COALESCE(
      CAST(LENGTH(CAST("id" AS VARCHAR)) AS VARCHAR) || ':' || CAST("id" AS VARCHAR),
      '~'
    ) || COALESCE(
      CAST(LENGTH(CAST("näme ""x""" AS VARCHAR)) AS VARCHAR) || ':' || CAST("näme ""x""" AS VARCHAR),
      '~'
    ) || COALESCE(
      CAST(LENGTH(CAST(HASH("score") AS VARCHAR)) AS VARCHAR) || ':' || CAST(HASH("score") AS VARCHAR),
      '~'
    ) || COALESCE(
      CAST(LENGTH(TO_VARCHAR(CONVERT_TIMEZONE('UTC', "seen_at"), 'YYYY-MM-DD HH24:MI:SS.FF9')) AS VARCHAR) || ':' || TO_VARCHAR(CONVERT_TIMEZONE('UTC', "seen_at"), 'YYYY-MM-DD HH24:MI:SS.FF9'),
      '~'
    ) || COALESCE(CAST(LENGTH(TO_JSON("tags")) AS VARCHAR) || ':' || TO_JSON("tags"), '~')
  ) AS "_hash",
  "id" AS "c0",
  "näme ""x""" AS "c1",
  "score" AS "c2",
  "seen_at" AS "c3",
  "tags" AS "c4"
FROM (
SELECT id, name, "score" FROM customers -- everybody
) AS "_headrace_model";
