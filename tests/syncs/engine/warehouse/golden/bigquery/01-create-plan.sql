CREATE TABLE `headrace_planner`.`s7_r2_1_plan` AS
SELECT
  CAST(`id` AS STRING) AS `_key`,
  TO_HEX(
    MD5(
      COALESCE(CAST(LENGTH(CAST(`id` AS STRING)) AS STRING) || ':' || CAST(`id` AS STRING), '~') || COALESCE(
        CAST(LENGTH(CAST(`näme "x"` AS STRING)) AS STRING) || ':' || CAST(`näme "x"` AS STRING),
        '~'
      ) || COALESCE(
        CAST(LENGTH(CAST(`score` AS STRING)) AS STRING) || ':' || CAST(`score` AS STRING),
        '~'
      ) || COALESCE(
        CAST(LENGTH(FORMAT_TIMESTAMP('%E4Y-%m-%d %H:%M:%E6S+00', `seen_at`, 'UTC')) AS STRING) || ':' || FORMAT_TIMESTAMP('%E4Y-%m-%d %H:%M:%E6S+00', `seen_at`, 'UTC'),
        '~'
      ) || COALESCE(
        CAST(LENGTH(TO_JSON_STRING(`tags`)) AS STRING) || ':' || TO_JSON_STRING(`tags`),
        '~'
      )
    )
  ) AS `_hash`,
  `id` AS `c0`,
  `näme "x"` AS `c1`,
  `score` AS `c2`,
  `seen_at` AS `c3`,
  `tags` AS `c4`
FROM (
SELECT id, name, "score" FROM customers -- everybody
) AS `_headrace_model`;
