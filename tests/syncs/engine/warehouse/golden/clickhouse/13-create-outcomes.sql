CREATE TABLE "headrace_planner"."s7_r2_1_outcomes" (
  "_key" Nullable(String),
  "_operation" Nullable(String),
  "_reason" Nullable(String),
  "_code" Nullable(String),
  "_message" Nullable(String),
  "_field" Nullable(String),
  "_in_doubt" Nullable(Int32)
);
