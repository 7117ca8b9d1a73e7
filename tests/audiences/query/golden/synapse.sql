-- text
SELECT
  COUNT(*) AS [members]
FROM [customers] AS [customers]
WHERE
  [customers].[name] LIKE N'%50!%!_![é]\''%' ESCAPE '!'
  AND (
    NOT [customers].[name] IN (N'日本', 'b') OR [customers].[name] IS NULL
  )
  AND LOWER([customers].[email]) LIKE 'a@%';

-- times
SELECT
  COUNT(*) AS [members]
FROM [customers] AS [customers]
WHERE
  (
    [customers].[joined] >= CAST('2023-12-31 23:00:00+00:00' AS DATETIMEOFFSET)
    AND [customers].[joined] < CAST('2024-02-01 23:00:00+00:00' AS DATETIMEOFFSET)
  )
  AND (
    NOT (
      [customers].[seen] >= CAST('2023-12-01 00:00:00' AS DATETIME2)
      AND [customers].[seen] < CAST('2024-02-01 00:00:00' AS DATETIME2)
    )
    OR [customers].[seen] IS NULL
  )
  AND (
    DATEPART(MONTH, [customers].[born]) = 2
    AND DATEPART(DAY, [customers].[born]) = 28
  )
  AND (
    DATEPART(MONTH, [customers].[seen]) = 2
    AND DATEPART(DAY, [customers].[seen]) = 28
  );

-- json
SELECT
  COUNT(*) AS [members]
FROM [customers] AS [customers]
WHERE
  NOT COALESCE(
    JSON_VALUE([customers].[extra], '$."a"."b"'),
    JSON_QUERY([customers].[extra], '$."a"."b"')
  ) IS NULL
  AND NOT TRY_CAST(COALESCE(JSON_VALUE([customers].[extra], '$."n"'), JSON_QUERY([customers].[extra], '$."n"')) AS FLOAT) IS NULL
  AND NOT TRY_CAST(COALESCE(
    JSON_VALUE([customers].[extra], '$."l"[0]'),
    JSON_QUERY([customers].[extra], '$."l"[0]')
  ) AS FLOAT) IS NULL
  AND NOT CASE
    WHEN COALESCE(
      JSON_VALUE([customers].[extra], '$."yes"'),
      JSON_QUERY([customers].[extra], '$."yes"')
    ) = 'true'
    THEN (1 = 1)
    WHEN COALESCE(
      JSON_VALUE([customers].[extra], '$."yes"'),
      JSON_QUERY([customers].[extra], '$."yes"')
    ) = 'false'
    THEN (1 = 0)
  END IS NULL
  AND NOT COALESCE(JSON_VALUE([customers].[extra], '$."a"'), JSON_QUERY([customers].[extra], '$."a"')) IS NULL
  AND NOT COALESCE(
    JSON_VALUE([customers].[extra], '$."yes"'),
    JSON_QUERY([customers].[extra], '$."yes"')
  ) IS NULL;

-- related
SELECT
  COUNT(*) AS [members]
FROM [customers] AS [customers]
LEFT JOIN (
  SELECT
    [orders_2].[customer_id] AS [key_0],
    COUNT(*) AS [rows]
  FROM (
SELECT * FROM orders
) AS [orders_2]
  WHERE
    EXISTS(
      SELECT
        1
      FROM [lines] AS [lines]
      WHERE
        [lines].[order_id] = [orders_2].[id] AND NOT [lines].[sku] IS NULL
    )
  GROUP BY
    [orders_2].[customer_id]
) AS [orders_2_count]
  ON [orders_2_count].[key_0] = [customers].[id]
LEFT JOIN (
  SELECT DISTINCT
    [orders_3].[customer_id] AS [key_0]
  FROM (
SELECT * FROM orders
) AS [orders_3]
  WHERE
    (
      [orders_3].[at] >= CAST('2024-01-29 12:30:00+00:00' AS DATETIMEOFFSET)
      AND [orders_3].[at] < CAST('2024-02-28 12:30:00+00:00' AS DATETIMEOFFSET)
    )
) AS [orders_3_found]
  ON [orders_3_found].[key_0] = [customers].[id]
LEFT JOIN (
  SELECT DISTINCT
    [stays_2].[customer_id] AS [key_0],
    [stays_2].[region] AS [key_1]
  FROM [stays] AS [stays_2]
) AS [stays_2_found]
  ON [stays_2_found].[key_0] = [customers].[id]
  AND [stays_2_found].[key_1] = [customers].[region]
WHERE
  EXISTS(
    SELECT
      1
    FROM (
SELECT * FROM orders
) AS [orders]
    WHERE
      [orders].[customer_id] = [customers].[id]
      AND (
        [orders].[at] >= CAST('2024-01-29 12:30:00+00:00' AS DATETIMEOFFSET)
        AND [orders].[at] < CAST('2024-02-28 12:30:00+00:00' AS DATETIMEOFFSET)
      )
  )
  AND NOT EXISTS(
    SELECT
      1
    FROM [stays] AS [stays]
    WHERE
      [stays].[customer_id] = [customers].[id]
      AND [stays].[region] = [customers].[region]
  )
  AND [orders_2_count].[rows] >= 2
  AND (
    NOT [orders_3_found].[key_0] IS NULL
    OR [stays_2_found].[key_0] IS NULL
    OR [customers].[vip] = 1
  );

-- through
SELECT
  COUNT(*) AS [members]
FROM [customers] AS [customers]
LEFT JOIN (
  SELECT
    [single].[key_0] AS [key_0],
    COUNT(*) AS [rows]
  FROM (
    SELECT DISTINCT
      [memberships].[customer_id] AS [key_0],
      [clubs].[id] AS [row_0]
    FROM [memberships] AS [memberships]
    JOIN [clubs] AS [clubs]
      ON [clubs].[id] = [memberships].[club_id]
  ) AS [single]
  GROUP BY
    [single].[key_0]
) AS [clubs_count]
  ON [clubs_count].[key_0] = [customers].[id]
LEFT JOIN (
  SELECT
    [accounts_2].[id] AS [id],
    [accounts_2].[customer_id] AS [customer_id],
    [accounts_2].[level] AS [level],
    ROW_NUMBER() OVER (
      PARTITION BY [accounts_2].[customer_id]
      ORDER BY CASE WHEN [accounts_2].[id] IS NULL THEN 1 ELSE 0 END, [accounts_2].[id] ASC
    ) AS [headrace_place]
  FROM (
SELECT * FROM accounts
) AS [accounts_2]
) AS [accounts]
  ON [accounts].[customer_id] = [customers].[id] AND [accounts].[headrace_place] = 1
LEFT JOIN (
SELECT * FROM cities
) AS [cities]
  ON [cities].[id] = [customers].[city_id]
WHERE
  COALESCE([clubs_count].[rows], 0) < 2
  AND NOT [accounts].[level] IS NULL
  AND NOT [cities].[label] IS NULL;

-- sharing
SELECT
  COUNT(*) AS [members]
FROM [customers] AS [customers]
LEFT JOIN (
  SELECT
    [single].[key_0] AS [key_0],
    COUNT(*) AS [rows]
  FROM (
    SELECT DISTINCT
      [customers_4].[id] AS [key_0],
      [customers_5].[id] AS [row_0]
    FROM [customers] AS [customers_4]
    JOIN [memberships] AS [memberships]
      ON [memberships].[customer_id] = [customers_4].[id]
    JOIN [clubs] AS [clubs]
      ON [clubs].[id] = [memberships].[club_id]
    JOIN [memberships] AS [memberships_2]
      ON [memberships_2].[club_id] = [clubs].[id]
    JOIN [customers] AS [customers_5]
      ON [customers_5].[id] = [memberships_2].[customer_id]
    WHERE
      CASE WHEN [customers_5].[id] = [customers_4].[id] THEN 1 ELSE 0 END = 0
  ) AS [single]
  GROUP BY
    [single].[key_0]
) AS [customers_5_count]
  ON [customers_5_count].[key_0] = [customers].[id]
LEFT JOIN (
  SELECT DISTINCT
    [customers_6].[id] AS [key_0]
  FROM [customers] AS [customers_6]
  JOIN (
SELECT * FROM cities
) AS [cities_2]
    ON [cities_2].[id] = [customers_6].[city_id]
  JOIN [customers] AS [customers_7]
    ON [customers_7].[city_id] = [cities_2].[id]
  WHERE
    CASE WHEN [customers_7].[id] = [customers_6].[id] THEN 1 ELSE 0 END = 0
) AS [customers_7_found]
  ON [customers_7_found].[key_0] = [customers].[id]
WHERE
  EXISTS(
    SELECT
      1
    FROM [customers] AS [customers_2]
    JOIN (
SELECT * FROM cities
) AS [cities]
      ON [cities].[id] = [customers_2].[city_id]
    JOIN [customers] AS [customers_3]
      ON [customers_3].[city_id] = [cities].[id]
    WHERE
      [customers_2].[id] = [customers].[id]
      AND CASE WHEN [customers_3].[id] = [customers_2].[id] THEN 1 ELSE 0 END = 0
      AND EXISTS(
        SELECT
          1
        FROM (
SELECT * FROM orders
) AS [orders]
        WHERE
          [orders].[customer_id] = [customers_3].[id]
          AND (
            [orders].[at] >= CAST('2024-01-29 12:30:00+00:00' AS DATETIMEOFFSET)
            AND [orders].[at] < CAST('2024-02-28 12:30:00+00:00' AS DATETIMEOFFSET)
          )
      )
  )
  AND [customers_5_count].[rows] > 1
  AND (
    NOT [customers_7_found].[key_0] IS NULL OR NOT [customers].[vip] IS NULL
  );

-- percentile
SELECT
  COUNT(*) AS [members]
FROM (
  SELECT
    [ranked].[out_0] AS [id]
  FROM (
    SELECT
      [customers].[id] AS [out_0],
      ROW_NUMBER() OVER (
        ORDER BY [customers].[name] COLLATE Latin1_General_100_BIN2 DESC, CASE WHEN [customers].[id] IS NULL THEN 1 ELSE 0 END, [customers].[id] ASC
      ) AS [place],
      COUNT(*) OVER () AS [total]
    FROM [customers] AS [customers]
    WHERE
      [customers].[score] > (
        SELECT
          MIN([ranked].[value])
        FROM (
          SELECT
            [known].[value] AS [value],
            ROW_NUMBER() OVER (ORDER BY CASE WHEN [known].[value] IS NULL THEN 1 ELSE 0 END, [known].[value]) AS [place],
            COUNT(*) OVER () AS [total]
          FROM (
            SELECT
              [customers_2].[score] AS [value]
            FROM [customers] AS [customers_2]
          ) AS [known]
          WHERE
            NOT [known].[value] IS NULL
        ) AS [ranked]
        WHERE
          [ranked].[place] * 100 >= 90 * [ranked].[total]
      )
  ) AS [ranked]
  WHERE
    [ranked].[place] <= 10
) AS [members];

-- trait sum
SELECT
  [customers].[id] AS [id],
  [orders_trait].[value] AS [value]
FROM [customers] AS [customers]
LEFT JOIN (
  SELECT
    [calculated].[key_0] AS [key_0],
    SUM(CAST([calculated].[item] AS NUMERIC(38, 6))) AS [value]
  FROM (
    SELECT
      [orders].[customer_id] AS [key_0],
      [orders].[amount] AS [item]
    FROM (
SELECT * FROM orders
) AS [orders]
  ) AS [calculated]
  GROUP BY
    [calculated].[key_0]
) AS [orders_trait]
  ON [orders_trait].[key_0] = [customers].[id];

-- trait average
SELECT
  [customers].[id] AS [id],
  [orders_trait].[value] AS [value]
FROM [customers] AS [customers]
LEFT JOIN (
  SELECT
    [calculated].[key_0] AS [key_0],
    AVG(CAST([calculated].[item] AS FLOAT)) AS [value]
  FROM (
    SELECT
      [orders].[customer_id] AS [key_0],
      [orders].[amount] AS [item]
    FROM (
SELECT * FROM orders
) AS [orders]
  ) AS [calculated]
  GROUP BY
    [calculated].[key_0]
) AS [orders_trait]
  ON [orders_trait].[key_0] = [customers].[id];

-- trait last
SELECT
  [customers].[id] AS [id],
  [orders_trait].[value] AS [value]
FROM [customers] AS [customers]
LEFT JOIN (
  SELECT
    [ranked].[key_0] AS [key_0],
    [ranked].[value] AS [value]
  FROM (
    SELECT
      [calculated].[key_0] AS [key_0],
      [calculated].[item] AS [value],
      ROW_NUMBER() OVER (
        PARTITION BY [calculated].[key_0]
        ORDER BY [calculated].[by] DESC, [calculated].[by_0] DESC
      ) AS [place]
    FROM (
      SELECT
        [orders].[customer_id] AS [key_0],
        [orders].[item] AS [item],
        [orders].[at] AS [by],
        [orders].[id] AS [by_0]
      FROM (
SELECT * FROM orders
) AS [orders]
      WHERE
        NOT [orders].[item] IS NULL
    ) AS [calculated]
  ) AS [ranked]
  WHERE
    [ranked].[place] = 1
) AS [orders_trait]
  ON [orders_trait].[key_0] = [customers].[id];

-- trait frequent
SELECT
  [customers].[id] AS [id],
  [orders_trait].[value] AS [value]
FROM [customers] AS [customers]
LEFT JOIN (
  SELECT
    [ranked].[key_0] AS [key_0],
    [ranked].[value] AS [value]
  FROM (
    SELECT
      [counted].[key_0] AS [key_0],
      [counted].[item] AS [value],
      ROW_NUMBER() OVER (
        PARTITION BY [counted].[key_0]
        ORDER BY [counted].[times] DESC, CASE WHEN [counted].[item] COLLATE Latin1_General_100_BIN2 IS NULL THEN 1 ELSE 0 END, [counted].[item] COLLATE Latin1_General_100_BIN2 ASC
      ) AS [place]
    FROM (
      SELECT
        [calculated].[key_0] AS [key_0],
        [calculated].[item] AS [item],
        COUNT(*) AS [times]
      FROM (
        SELECT
          [orders].[customer_id] AS [key_0],
          [orders].[item] AS [item]
        FROM (
SELECT * FROM orders
) AS [orders]
        WHERE
          NOT [orders].[item] IS NULL
      ) AS [calculated]
      GROUP BY
        [calculated].[key_0],
        [calculated].[item]
    ) AS [counted]
  ) AS [ranked]
  WHERE
    [ranked].[place] = 1
) AS [orders_trait]
  ON [orders_trait].[key_0] = [customers].[id];

-- trait list
SELECT
  [customers].[id] AS [id],
  [orders_trait].[value] AS [value]
FROM [customers] AS [customers]
LEFT JOIN (
  SELECT
    [ranked].[key_0] AS [key_0],
    CONCAT(
      '[',
      STRING_AGG(
        CONCAT('"', STRING_ESCAPE(CAST([ranked].[item_0] AS NVARCHAR(MAX)), 'json'), '"'),
        ','
      ) WITHIN GROUP (ORDER BY
        CASE WHEN [ranked].[place] IS NULL THEN 1 ELSE 0 END, [ranked].[place]),
      ']'
    ) AS [value]
  FROM (
    SELECT
      [calculated].[key_0] AS [key_0],
      [calculated].[item_0] AS [item_0],
      ROW_NUMBER() OVER (
        PARTITION BY [calculated].[key_0]
        ORDER BY CASE WHEN [calculated].[by] IS NULL THEN 1 ELSE 0 END, [calculated].[by] ASC, CASE WHEN [calculated].[by_0] IS NULL THEN 1 ELSE 0 END, [calculated].[by_0] ASC
      ) AS [place]
    FROM (
      SELECT
        [orders].[customer_id] AS [key_0],
        [orders].[item] AS [item_0],
        [orders].[at] AS [by],
        [orders].[id] AS [by_0]
      FROM (
SELECT * FROM orders
) AS [orders]
      WHERE
        NOT [orders].[item] IS NULL
    ) AS [calculated]
  ) AS [ranked]
  WHERE
    [ranked].[place] > 0 AND [ranked].[place] <= 3
  GROUP BY
    [ranked].[key_0]
) AS [orders_trait]
  ON [orders_trait].[key_0] = [customers].[id];

-- trait objects
SELECT
  [customers].[id] AS [id],
  [orders_trait].[value] AS [value]
FROM [customers] AS [customers]
LEFT JOIN (
  SELECT
    [ranked].[key_0] AS [key_0],
    CONCAT(
      '[',
      STRING_AGG(
        CONCAT(
          '{',
          CONCAT('"', STRING_ESCAPE(CAST('what' AS NVARCHAR(MAX)), 'json'), '"'),
          ':',
          CASE
            WHEN [ranked].[item_0] IS NULL
            THEN 'null'
            ELSE CONCAT('"', STRING_ESCAPE(CAST([ranked].[item_0] AS NVARCHAR(MAX)), 'json'), '"')
          END,
          ',',
          CONCAT('"', STRING_ESCAPE(CAST('amount' AS NVARCHAR(MAX)), 'json'), '"'),
          ':',
          CASE
            WHEN [ranked].[item_1] IS NULL
            THEN 'null'
            ELSE CONCAT('"', STRING_ESCAPE(CAST([ranked].[item_1] AS NVARCHAR(MAX)), 'json'), '"')
          END,
          '}'
        ),
        ','
      ) WITHIN GROUP (ORDER BY
        CASE WHEN [ranked].[place] IS NULL THEN 1 ELSE 0 END, [ranked].[place]),
      ']'
    ) AS [value]
  FROM (
    SELECT
      [calculated].[key_0] AS [key_0],
      [calculated].[item_0] AS [item_0],
      [calculated].[item_1] AS [item_1],
      ROW_NUMBER() OVER (PARTITION BY [calculated].[key_0] ORDER BY [calculated].[by_0] DESC) AS [place]
    FROM (
      SELECT
        [orders].[customer_id] AS [key_0],
        [orders].[item] AS [item_0],
        [orders].[amount] AS [item_1],
        [orders].[id] AS [by_0]
      FROM (
SELECT * FROM orders
) AS [orders]
    ) AS [calculated]
  ) AS [ranked]
  WHERE
    [ranked].[place] > 0
  GROUP BY
    [ranked].[key_0]
) AS [orders_trait]
  ON [orders_trait].[key_0] = [customers].[id];

-- funnel
SELECT
  COUNT(*) AS [total],
  COALESCE(SUM([flags].[holds_0]), 0) AS [alone_0],
  COALESCE(SUM(CASE WHEN [flags].[holds_0] = 0 THEN 0 ELSE 1 END), 0) AS [after_0],
  COALESCE(SUM([flags].[holds_1]), 0) AS [alone_1],
  COALESCE(
    SUM(
      CASE WHEN [flags].[holds_0] = 0 THEN 0 WHEN [flags].[holds_1] = 0 THEN 0 ELSE 1 END
    ),
    0
  ) AS [after_1],
  COALESCE(SUM([flags].[holds_2]), 0) AS [alone_2],
  COALESCE(
    SUM(
      CASE
        WHEN [flags].[holds_0] = 0
        THEN 0
        WHEN [flags].[holds_1] = 0
        THEN 0
        WHEN [flags].[holds_2] = 0
        THEN 0
        ELSE 1
      END
    ),
    0
  ) AS [after_2],
  COALESCE(SUM([flags].[holds_3]), 0) AS [alone_3],
  COALESCE(
    SUM(
      CASE
        WHEN [flags].[holds_0] = 0
        THEN 0
        WHEN [flags].[holds_1] = 0
        THEN 0
        WHEN [flags].[holds_2] = 0
        THEN 0
        WHEN [flags].[holds_3] = 0
        THEN 0
        ELSE 1
      END
    ),
    0
  ) AS [after_3]
FROM (
  SELECT
    CASE WHEN NOT [orders_found].[key_0] IS NULL THEN 1 ELSE 0 END AS [holds_0],
    CASE WHEN [stays_found].[key_0] IS NULL THEN 1 ELSE 0 END AS [holds_1],
    CASE WHEN [orders_2_count].[rows] >= 2 THEN 1 ELSE 0 END AS [holds_2],
    CASE
      WHEN NOT [orders_3_found].[key_0] IS NULL
      OR [stays_2_found].[key_0] IS NULL
      OR [customers].[vip] = 1
      THEN 1
      ELSE 0
    END AS [holds_3],
    1 AS [present]
  FROM [customers] AS [customers]
  LEFT JOIN (
    SELECT DISTINCT
      [orders].[customer_id] AS [key_0]
    FROM (
SELECT * FROM orders
) AS [orders]
    WHERE
      (
        [orders].[at] >= CAST('2024-01-29 12:30:00+00:00' AS DATETIMEOFFSET)
        AND [orders].[at] < CAST('2024-02-28 12:30:00+00:00' AS DATETIMEOFFSET)
      )
  ) AS [orders_found]
    ON [orders_found].[key_0] = [customers].[id]
  LEFT JOIN (
    SELECT DISTINCT
      [stays].[customer_id] AS [key_0],
      [stays].[region] AS [key_1]
    FROM [stays] AS [stays]
  ) AS [stays_found]
    ON [stays_found].[key_0] = [customers].[id]
    AND [stays_found].[key_1] = [customers].[region]
  LEFT JOIN (
    SELECT
      [orders_2].[customer_id] AS [key_0],
      COUNT(*) AS [rows]
    FROM (
SELECT * FROM orders
) AS [orders_2]
    WHERE
      EXISTS(
        SELECT
          1
        FROM [lines] AS [lines]
        WHERE
          [lines].[order_id] = [orders_2].[id] AND NOT [lines].[sku] IS NULL
      )
    GROUP BY
      [orders_2].[customer_id]
  ) AS [orders_2_count]
    ON [orders_2_count].[key_0] = [customers].[id]
  LEFT JOIN (
    SELECT DISTINCT
      [orders_3].[customer_id] AS [key_0]
    FROM (
SELECT * FROM orders
) AS [orders_3]
    WHERE
      (
        [orders_3].[at] >= CAST('2024-01-29 12:30:00+00:00' AS DATETIMEOFFSET)
        AND [orders_3].[at] < CAST('2024-02-28 12:30:00+00:00' AS DATETIMEOFFSET)
      )
  ) AS [orders_3_found]
    ON [orders_3_found].[key_0] = [customers].[id]
  LEFT JOIN (
    SELECT DISTINCT
      [stays_2].[customer_id] AS [key_0],
      [stays_2].[region] AS [key_1]
    FROM [stays] AS [stays_2]
  ) AS [stays_2_found]
    ON [stays_2_found].[key_0] = [customers].[id]
    AND [stays_2_found].[key_1] = [customers].[region]
) AS [flags];

-- breakdown
SELECT
TOP 50
  [members].[group] AS [group],
  COUNT(*) AS [members],
  COUNT([members].[measure]) AS [value]
FROM (
  SELECT
    [customers].[region] AS [group],
    COALESCE([orders_trait].[value], 0) AS [measure]
  FROM [customers] AS [customers]
  LEFT JOIN (
    SELECT
      [calculated].[key_0] AS [key_0],
      COUNT(*) AS [value]
    FROM (
      SELECT
        [orders].[customer_id] AS [key_0]
      FROM (
SELECT * FROM orders
) AS [orders]
    ) AS [calculated]
    GROUP BY
      [calculated].[key_0]
  ) AS [orders_trait]
    ON [orders_trait].[key_0] = [customers].[id]
  WHERE
    EXISTS(
      SELECT
        1
      FROM (
SELECT * FROM orders
) AS [orders_2]
      WHERE
        [orders_2].[customer_id] = [customers].[id]
        AND (
          [orders_2].[at] >= CAST('2024-01-29 12:30:00+00:00' AS DATETIMEOFFSET)
          AND [orders_2].[at] < CAST('2024-02-28 12:30:00+00:00' AS DATETIMEOFFSET)
        )
    )
) AS [members]
GROUP BY
  [members].[group]
ORDER BY
  COUNT(*) DESC,
  CASE WHEN [members].[group] IS NULL THEN 1 ELSE 0 END, [members].[group] ASC;

-- spread
SELECT
  COUNT(*) AS [members],
  COALESCE(SUM(CASE WHEN [members].[value] IS NULL THEN 1 ELSE 0 END), 0) AS [empty],
  COUNT(DISTINCT [members].[value]) AS [different],
  MIN([members].[value]) AS [least],
  MAX([members].[value]) AS [greatest]
FROM (
  SELECT
    [customers].[score] AS [value]
  FROM [customers] AS [customers]
  WHERE
    EXISTS(
      SELECT
        1
      FROM (
SELECT * FROM orders
) AS [orders]
      WHERE
        [orders].[customer_id] = [customers].[id]
        AND (
          [orders].[at] >= CAST('2024-01-29 12:30:00+00:00' AS DATETIMEOFFSET)
          AND [orders].[at] < CAST('2024-02-28 12:30:00+00:00' AS DATETIMEOFFSET)
        )
    )
) AS [members];

-- buckets
SELECT
TOP 50
  [members].[group] AS [group],
  COUNT(*) AS [members],
  COUNT(*) AS [value]
FROM (
  SELECT
    CASE
      WHEN [customers].[score] IS NULL
      THEN NULL
      WHEN [customers].[score] < 10
      THEN 0
      WHEN [customers].[score] < 20.5
      THEN 1
      ELSE 2
    END AS [group]
  FROM [customers] AS [customers]
  WHERE
    EXISTS(
      SELECT
        1
      FROM (
SELECT * FROM orders
) AS [orders]
      WHERE
        [orders].[customer_id] = [customers].[id]
        AND (
          [orders].[at] >= CAST('2024-01-29 12:30:00+00:00' AS DATETIMEOFFSET)
          AND [orders].[at] < CAST('2024-02-28 12:30:00+00:00' AS DATETIMEOFFSET)
        )
    )
) AS [members]
GROUP BY
  [members].[group]
ORDER BY
  COUNT(*) DESC,
  CASE WHEN [members].[group] IS NULL THEN 1 ELSE 0 END, [members].[group] ASC;

-- split
SELECT
  [kept].[out_0] AS [id],
  [kept].[out_1] AS [spent],
  [kept].[split_group] AS [split_group]
FROM (
  SELECT
    [layer_4].[out_0] AS [out_0],
    [layer_4].[out_1] AS [out_1],
    [layer_4].[in_subsets] AS [in_subsets],
    [layer_4].[in_priority] AS [in_priority],
    [layer_4].[in_rule] AS [in_rule],
    [layer_4].[limit_by] AS [limit_by],
    [layer_4].[bucket] AS [bucket],
    [layer_4].[sort_0] AS [sort_0],
    [layer_4].[place] AS [place],
    [layer_4].[total] AS [total],
    [layer_4].[in_limit] AS [in_limit],
    [layer_4].[split_group] AS [split_group],
    CASE WHEN [layer_4].[split_group] IN ('Treated') THEN 1 ELSE 0 END AS [in_split]
  FROM (
    SELECT
      [layer_3].[out_0] AS [out_0],
      [layer_3].[out_1] AS [out_1],
      [layer_3].[in_subsets] AS [in_subsets],
      [layer_3].[in_priority] AS [in_priority],
      [layer_3].[in_rule] AS [in_rule],
      [layer_3].[limit_by] AS [limit_by],
      [layer_3].[bucket] AS [bucket],
      [layer_3].[sort_0] AS [sort_0],
      [layer_3].[place] AS [place],
      [layer_3].[total] AS [total],
      [layer_3].[in_limit] AS [in_limit],
      CASE
        WHEN [layer_3].[bucket] COLLATE Latin1_General_100_BIN2 < '33333334'
        THEN 'Holdout'
        WHEN [layer_3].[bucket] COLLATE Latin1_General_100_BIN2 < 'g'
        THEN 'Treated'
      END AS [split_group]
    FROM (
      SELECT
        [layer_2].[out_0] AS [out_0],
        [layer_2].[out_1] AS [out_1],
        [layer_2].[in_subsets] AS [in_subsets],
        [layer_2].[in_priority] AS [in_priority],
        [layer_2].[in_rule] AS [in_rule],
        [layer_2].[limit_by] AS [limit_by],
        [layer_2].[bucket] AS [bucket],
        [layer_2].[sort_0] AS [sort_0],
        [layer_2].[place] AS [place],
        [layer_2].[total] AS [total],
        CASE WHEN [layer_2].[place] <= 10 THEN 1 ELSE 0 END AS [in_limit]
      FROM (
        SELECT
          [layer].[out_0] AS [out_0],
          [layer].[out_1] AS [out_1],
          [layer].[in_subsets] AS [in_subsets],
          [layer].[in_priority] AS [in_priority],
          [layer].[in_rule] AS [in_rule],
          [layer].[limit_by] AS [limit_by],
          [layer].[bucket] AS [bucket],
          [layer].[sort_0] AS [sort_0],
          ROW_NUMBER() OVER (
            ORDER BY [layer].[limit_by] DESC, CASE WHEN [layer].[sort_0] IS NULL THEN 1 ELSE 0 END, [layer].[sort_0] ASC
          ) AS [place],
          COUNT(*) OVER () AS [total]
        FROM (
          SELECT
            [customers].[id] AS [out_0],
            [orders_trait].[value] AS [out_1],
            1 AS [in_subsets],
            1 AS [in_priority],
            CASE
              WHEN [customers].[name] LIKE N'%50!%!_![é]\''%' ESCAPE '!'
              AND (
                NOT [customers].[name] IN (N'日本', 'b') OR [customers].[name] IS NULL
              )
              AND LOWER([customers].[email]) LIKE 'a@%'
              THEN 1
              ELSE 0
            END AS [in_rule],
            [customers].[name] COLLATE Latin1_General_100_BIN2 AS [limit_by],
            SUBSTRING(
              LOWER(
                CONVERT(
                  CHAR(32),
                  HASHBYTES(
                    'MD5',
                    CAST((
                      N'é' + CAST([customers].[id] AS NVARCHAR(MAX))
                    ) COLLATE Latin1_General_100_BIN2_UTF8 AS VARCHAR(8000))
                  ),
                  2
                )
              ),
              1,
              8
            ) AS [bucket],
            [customers].[id] AS [sort_0]
          FROM [customers] AS [customers]
          LEFT JOIN (
            SELECT
              [calculated].[key_0] AS [key_0],
              SUM(CAST([calculated].[item] AS NUMERIC(38, 6))) AS [value]
            FROM (
              SELECT
                [orders].[customer_id] AS [key_0],
                [orders].[amount] AS [item]
              FROM (
SELECT * FROM orders
) AS [orders]
            ) AS [calculated]
            GROUP BY
              [calculated].[key_0]
          ) AS [orders_trait]
            ON [orders_trait].[key_0] = [customers].[id]
          WHERE
            [customers].[score] > (
              SELECT
                MIN([ranked].[value])
              FROM (
                SELECT
                  [known].[value] AS [value],
                  ROW_NUMBER() OVER (ORDER BY CASE WHEN [known].[value] IS NULL THEN 1 ELSE 0 END, [known].[value]) AS [place],
                  COUNT(*) OVER () AS [total]
                FROM (
                  SELECT
                    [customers_2].[score] AS [value]
                  FROM [customers] AS [customers_2]
                ) AS [known]
                WHERE
                  NOT [known].[value] IS NULL
              ) AS [ranked]
              WHERE
                [ranked].[place] * 100 >= 90 * [ranked].[total]
            )
            AND CASE
              WHEN [customers].[name] LIKE N'%50!%!_![é]\''%' ESCAPE '!'
              AND (
                NOT [customers].[name] IN (N'日本', 'b') OR [customers].[name] IS NULL
              )
              AND LOWER([customers].[email]) LIKE 'a@%'
              THEN 1
              ELSE 0
            END = 0
        ) AS [layer]
      ) AS [layer_2]
    ) AS [layer_3]
  ) AS [layer_4]
) AS [kept]
WHERE
  [kept].[in_subsets] = 1
  AND [kept].[in_priority] = 1
  AND [kept].[in_limit] = 1
  AND [kept].[in_split] = 1
  AND [kept].[in_rule] = 1;

-- sample of a parent
CREATE TABLE [headrace_planner].[parent] WITH (DISTRIBUTION = ROUND_ROBIN, HEAP) AS
SELECT
  [customers].[id] AS [id],
  [customers].[name] AS [name],
  [customers].[email] AS [email],
  [customers].[score] AS [score],
  [customers].[vip] AS [vip],
  [customers].[born] AS [born],
  [customers].[seen] AS [seen],
  [customers].[joined] AS [joined],
  [customers].[extra] AS [extra],
  [customers].[city_id] AS [city_id],
  [customers].[region] AS [region]
FROM [customers] AS [customers]
WHERE
  SUBSTRING(
    LOWER(
      CONVERT(
        CHAR(32),
        HASHBYTES(
          'MD5',
          CAST((
            N'é' + CAST([customers].[id] AS NVARCHAR(MAX))
          ) COLLATE Latin1_General_100_BIN2_UTF8 AS VARCHAR(8000))
        ),
        2
      )
    ),
    1,
    8
  ) COLLATE Latin1_General_100_BIN2 < '20000000';

-- sample of an event
CREATE TABLE [headrace_planner].[orders] WITH (DISTRIBUTION = ROUND_ROBIN, HEAP) AS
SELECT
  [orders].[id] AS [id],
  [orders].[customer_id] AS [customer_id],
  [orders].[amount] AS [amount],
  [orders].[item] AS [item],
  [orders].[at] AS [at],
  [orders].[extra] AS [extra]
FROM (
SELECT * FROM orders
) AS [orders]
WHERE
  EXISTS(
    SELECT
      1
    FROM [headrace_planner].[parent] AS [customers]
    WHERE
      [customers].[id] = [orders].[customer_id]
  );

-- sample of two keys
CREATE TABLE [headrace_planner].[stays] WITH (DISTRIBUTION = ROUND_ROBIN, HEAP) AS
SELECT
  [stays].[id] AS [id],
  [stays].[customer_id] AS [customer_id],
  [stays].[region] AS [region],
  [stays].[nights] AS [nights],
  [stays].[day] AS [day]
FROM [stays] AS [stays]
WHERE
  EXISTS(
    SELECT
      1
    FROM [headrace_planner].[parent] AS [customers]
    WHERE
      [customers].[id] = [stays].[customer_id]
      AND [customers].[region] = [stays].[region]
  );

-- sample of through others
CREATE TABLE [headrace_planner].[clubs] WITH (DISTRIBUTION = ROUND_ROBIN, HEAP) AS
SELECT
  [clubs].[id] AS [id],
  [clubs].[tier] AS [tier],
  [clubs].[fee] AS [fee]
FROM [clubs] AS [clubs]
WHERE
  EXISTS(
    SELECT
      1
    FROM [memberships] AS [memberships]
    JOIN [headrace_planner].[parent] AS [customers]
      ON [customers].[id] = [memberships].[customer_id]
    WHERE
      [memberships].[club_id] = [clubs].[id]
  );

-- sample by several ways
CREATE TABLE [headrace_planner].[several] WITH (DISTRIBUTION = ROUND_ROBIN, HEAP) AS
SELECT
  [orders].[id] AS [id],
  [orders].[customer_id] AS [customer_id],
  [orders].[amount] AS [amount],
  [orders].[item] AS [item],
  [orders].[at] AS [at],
  [orders].[extra] AS [extra]
FROM (
SELECT * FROM orders
) AS [orders]
JOIN (
  SELECT DISTINCT
    [orders_2].[id] AS [key_0]
  FROM (
SELECT * FROM orders
) AS [orders_2]
  JOIN [headrace_planner].[parent] AS [customers]
    ON [orders_2].[customer_id] = [customers].[id]
  UNION
  SELECT DISTINCT
    [orders_3].[id] AS [key_0]
  FROM (
SELECT * FROM orders
) AS [orders_3]
  JOIN [headrace_planner].[parent] AS [customers_2]
    ON [orders_3].[customer_id] = [customers_2].[id]
) AS [found]
  ON [orders].[id] = [found].[key_0];

-- forgetting in orders
DELETE FROM [headrace_planner].[orders]
WHERE
  EXISTS(
    SELECT
      1
    FROM [headrace_planner].[parent] AS [customers]
    WHERE
      [customers].[id] = [orders].[customer_id]
      AND (
        CAST([customers].[id] AS NVARCHAR(MAX))
      ) IN ('7')
  );

-- forgetting in stays
DELETE FROM [headrace_planner].[stays]
WHERE
  EXISTS(
    SELECT
      1
    FROM [headrace_planner].[parent] AS [customers]
    WHERE
      [customers].[id] = [stays].[customer_id]
      AND [customers].[region] = [stays].[region]
      AND (
        CAST([customers].[id] AS NVARCHAR(MAX))
      ) IN ('7')
  );

-- forgetting in customers
DELETE FROM [headrace_planner].[parent]
WHERE
  (
    CAST([parent].[id] AS NVARCHAR(MAX))
  ) IN ('7');
