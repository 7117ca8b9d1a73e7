DROP TABLE IF EXISTS [headrace_planner].[s7_r1_1_plan];
