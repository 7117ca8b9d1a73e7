CREATE TABLE `headrace_planner`.`s7_r2_1_outcomes` (
  `_key` STRING,
  `_operation` STRING,
  `_reason` STRING,
  `_code` STRING,
  `_message` STRING,
  `_field` STRING,
  `_in_doubt` INT
);
