CREATE TABLE "headrace_planner"."s7_r2_1_outcomes" (
  "_key" TEXT,
  "_operation" TEXT,
  "_reason" TEXT,
  "_code" TEXT,
  "_message" TEXT,
  "_field" TEXT,
  "_in_doubt" INT
);
