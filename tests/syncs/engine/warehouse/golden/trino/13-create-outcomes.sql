CREATE TABLE "headrace_planner"."s7_r2_1_outcomes" (
  "_key" VARCHAR,
  "_operation" VARCHAR,
  "_reason" VARCHAR,
  "_code" VARCHAR,
  "_message" VARCHAR,
  "_field" VARCHAR,
  "_in_doubt" INTEGER
);
