CREATE TABLE [headrace_planner].[s7_r2_1_outcomes] (
  [_key] VARCHAR(MAX),
  [_operation] VARCHAR(MAX),
  [_reason] VARCHAR(MAX),
  [_code] VARCHAR(MAX),
  [_message] VARCHAR(MAX),
  [_field] VARCHAR(MAX),
  [_in_doubt] INTEGER
);
