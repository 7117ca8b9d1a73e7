CREATE TABLE "headrace_planner"."s7_r2_1_plan" AS
SELECT
  CAST("id" AS TEXT) COLLATE "C" AS "_key",
  HASHTEXTEXTENDED(
    CAST(ROW(
      CAST("id" AS TEXT),
      CAST("näme ""x""" AS TEXT),
      CAST("score" AS TEXT),
      CAST("seen_at" AS TEXT),
      CAST("tags" AS TEXT)
    ) AS TEXT) COLLATE "C",
    0
  ) AS "_hash",
  "id" AS "c0",
  "näme ""x""" AS "c1",
  "score" AS "c2",
  "seen_at" AS "c3",
  "tags" AS "c4"
FROM (
SELECT id, name, "score" FROM customers -- everybody
) AS "_headrace_model";
