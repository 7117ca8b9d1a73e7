CREATE TABLE `headrace_planner`.`s7_r2_1_plan` AS
SELECT
  CAST(`id` AS STRING) AS `_key`,
  MD5(
    COALESCE(CAST(LENGTH(CAST(`id` AS STRING)) AS STRING) || ':' || CAST(`id` AS STRING), '~') || COALESCE(
      CAST(LENGTH(CAST(`näme "x"` AS STRING)) AS STRING) || ':' || CAST(`näme "x"` AS STRING),
      '~'
    ) || COALESCE(
      CAST(LENGTH(CAST(`score` AS STRING)) AS STRING) || ':' || CAST(`score` AS STRING),
      '~'
    ) || COALESCE(
      CAST(LENGTH(CAST(UNIX_MICROS(`seen_at`) AS STRING)) AS STRING) || ':' || CAST(UNIX_MICROS(`seen_at`) AS STRING),
      '~'
    ) || COALESCE(CAST(LENGTH(TO_JSON(`tags`)) AS STRING) || ':' || TO_JSON(`tags`), '~')
  ) AS `_hash`,
  `id` AS `c0`,
  `näme "x"` AS `c1`,
  `score` AS `c2`,
  `seen_at` AS `c3`,
  `tags` AS `c4`
FROM (
SELECT id, name, "score" FROM customers -- everybody
) AS `_headrace_model`;
