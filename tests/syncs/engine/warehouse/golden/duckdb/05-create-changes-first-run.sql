CREATE TABLE "headrace_planner"."s7_r2_1_changes" AS
SELECT
  "_key",
  CASE
    WHEN "_times" > 1
    THEN 'duplicate'
    WHEN "_times" = 0
    THEN 'removed'
    WHEN "_present" = 0
    THEN 'added'
    ELSE 'changed'
  END AS "_operation",
  "_times",
  "_base_hash",
  "_present",
  "_forced",
  "_unsettled"
FROM (
  SELECT
    "_key",
    SUM("_new") AS "_times",
    MAX("_new_hash") AS "_new_hash",
    MAX("_base_hash") AS "_base_hash",
    MAX("_present") AS "_present",
    MAX("_forced") AS "_forced",
    MAX("_unsettled") AS "_unsettled"
  FROM (
    SELECT
      "n"."_key" AS "_key",
      "n"."_hash" AS "_new_hash",
      CAST(NULL AS TEXT) AS "_base_hash",
      1 AS "_new",
      0 AS "_present",
      0 AS "_forced",
      0 AS "_unsettled"
    FROM "headrace_planner"."s7_r2_1_plan" AS "n"
    WHERE
      NOT "n"."_key" IS NULL
  ) AS "s"
  GROUP BY
    "_key"
) AS "g"
WHERE
  "_times" > 1;
