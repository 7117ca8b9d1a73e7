-- A shop that sells shoes: customers, products, orders and what happens in carts.
-- History begins 730 days before the start; every later day adds to it.

SET VARIABLE history = 730;
SET VARIABLE customers = greatest(40, round(50000 * getvariable('scale'))::BIGINT);
SET VARIABLE customers_a_day = greatest(1, round(getvariable('customers') * 0.003)::BIGINT);
SET VARIABLE orders = round(getvariable('customers') * 3.6)::BIGINT;
SET VARIABLE orders_a_day = greatest(1, round(getvariable('orders') / 0.6 / getvariable('history'))::BIGINT);
SET VARIABLE cart_days = 60;
SET VARIABLE carts_a_day = greatest(1, round(getvariable('customers') * 0.02)::BIGINT);

SET VARIABLE places = [
    {'city': 'Atlanta', 'state': 'GA', 'zone': '404'}, {'city': 'Austin', 'state': 'TX', 'zone': '512'},
    {'city': 'Boston', 'state': 'MA', 'zone': '617'}, {'city': 'Charlotte', 'state': 'NC', 'zone': '704'},
    {'city': 'Chicago', 'state': 'IL', 'zone': '312'}, {'city': 'Columbus', 'state': 'OH', 'zone': '614'},
    {'city': 'Dallas', 'state': 'TX', 'zone': '214'}, {'city': 'Denver', 'state': 'CO', 'zone': '303'},
    {'city': 'Detroit', 'state': 'MI', 'zone': '313'}, {'city': 'Fort Lauderdale', 'state': 'FL', 'zone': '954'},
    {'city': 'Houston', 'state': 'TX', 'zone': '713'}, {'city': 'Jacksonville', 'state': 'FL', 'zone': '904'},
    {'city': 'Los Angeles', 'state': 'CA', 'zone': '213'}, {'city': 'Miami', 'state': 'FL', 'zone': '305'},
    {'city': 'Minneapolis', 'state': 'MN', 'zone': '612'}, {'city': 'Nashville', 'state': 'TN', 'zone': '615'},
    {'city': 'New Orleans', 'state': 'LA', 'zone': '504'}, {'city': 'New York', 'state': 'NY', 'zone': '212'},
    {'city': 'Orlando', 'state': 'FL', 'zone': '407'}, {'city': 'Philadelphia', 'state': 'PA', 'zone': '215'},
    {'city': 'Phoenix', 'state': 'AZ', 'zone': '602'}, {'city': 'Portland', 'state': 'OR', 'zone': '503'},
    {'city': 'Salt Lake City', 'state': 'UT', 'zone': '801'}, {'city': 'San Diego', 'state': 'CA', 'zone': '619'},
    {'city': 'San Francisco', 'state': 'CA', 'zone': '415'}, {'city': 'Seattle', 'state': 'WA', 'zone': '206'},
    {'city': 'Tampa', 'state': 'FL', 'zone': '813'}, {'city': 'Washington', 'state': 'DC', 'zone': '202'}
];
SET VARIABLE brands = ['Alder & Finch', 'Brightwater', 'Juniper Row', 'Kestrel', 'Northpath', 'Tidewell'];
SET VARIABLE kinds = ['Trail', 'Road', 'Court', 'Boot', 'Sandal', 'Loafer', 'Sneaker', 'Hiker', 'Slip-on', 'Track'];
SET VARIABLE categories = [
    'running', 'running', 'training', 'boots', 'summer', 'everyday', 'everyday', 'outdoor', 'everyday', 'training'
];
SET VARIABLE series = ['One', 'Arc', 'Drift', 'Ember', 'Flint', 'Haze'];

-- How many customers there are when a day begins, so that orders come only from those.
CREATE MACRO customers_by(on_day) AS CASE
    WHEN on_day >= 0 THEN getvariable('customers') + getvariable('customers_a_day') * on_day
    ELSE greatest(5, floor(getvariable('customers') * pow((on_day + getvariable('history')) / getvariable('history'), 4.0 / 3)))
END::BIGINT;
-- Who acts: one in fifty customers is a fan, one in five a regular, and both come back far more often.
CREATE MACRO who(thing, salt, among) AS CASE
    WHEN u(thing, salt || ' group') < 0.18 AND among >= 50 THEN 50 * (1 + floor(u(thing, salt) * (among // 50)))
    WHEN u(thing, salt || ' group') < 0.60 AND among >= 5 THEN 5 * (1 + floor(u(thing, salt) * (among // 5)))
    ELSE 1 + floor(u(thing, salt) * among)
END::BIGINT;
CREATE MACRO affinity(customer) AS 1 + floor(len(getvariable('brands')) * pow(u(customer, 'brand'), 1.3))::INTEGER;
-- What somebody takes: mostly the brand they like.
CREATE MACRO taken(thing, customer) AS (
    10 * (CASE
        WHEN u(thing, 'liked') < 0.6 THEN affinity(customer) - 1
        ELSE floor(u(thing, 'other') * len(getvariable('brands')))
    END) + 1 + floor(10 * u(thing, 'kind'))
)::INTEGER;

CREATE TABLE sample.public.products AS
SELECT
    n::INTEGER AS product_id,
    printf('SH-%04d', 1000 + n) AS sku,
    getvariable('brands')[1 + (n - 1) // 10] || ' ' || getvariable('kinds')[1 + (n - 1) % 10] || ' '
        || getvariable('series')[1 + (n * 7) % 6] AS name,
    getvariable('brands')[1 + (n - 1) // 10] AS brand,
    getvariable('categories')[1 + (n - 1) % 10] AS category,
    (49 + round(u(n, 'price') * 26) * 5 + 0.95)::DECIMAL(10, 2) AS price,
    u(n, 'stock') > 0.06 AS in_stock
FROM range(1, 10 * len(getvariable('brands')) + 1) AS r (n)
ORDER BY product_id;

CREATE TEMP TABLE people AS
WITH numbered AS (
    SELECT
        i,
        CASE
            WHEN i > getvariable('customers') THEN (i - getvariable('customers') - 1) // getvariable('customers_a_day')
            ELSE floor(-getvariable('history') * (1 - pow((i - 0.5) / getvariable('customers'), 0.75)))
        END::BIGINT AS joined
    FROM range(1, customers_by(getvariable('day')) + 1) AS r (i)
)
SELECT
    i,
    joined,
    pick(getvariable('first_names'), i, 'first') AS first_name,
    pick(getvariable('last_names'), i, 'last') AS last_name,
    -- Some move house as days go by.
    pick(
        getvariable('places'), i, CASE WHEN getvariable('day') >= happens_on(i, 'moves', 0.0006) THEN 'moved' ELSE 'home' END
    ) AS place
FROM numbered
-- A few have their account deleted, and everything of theirs with it.
WHERE getvariable('day') < greatest(joined, 0) + happens_on(i, 'leaves', 0.0004);

CREATE TEMP TABLE placed AS
WITH timed AS (
    SELECT
        j,
        CASE
            WHEN j > getvariable('orders') THEN (j - getvariable('orders') - 0.5) / getvariable('orders_a_day')
            ELSE getvariable('history') * (pow((j - 0.5) / getvariable('orders'), 0.6) - 1)
        END AS t
    FROM range(1, getvariable('orders') + getvariable('orders_a_day') * getvariable('day') + 1) AS r (j)
)
SELECT j, t, i, u(j, 'fate') AS fate
FROM (SELECT j, t, who(j, 'order', customers_by(floor(t))) AS i FROM timed)
SEMI JOIN people USING (i);

CREATE TEMP TABLE bought AS
SELECT j, i, t, fate, line, taken(j * 4 + line, i) AS product_id, 1 + (u(j * 4 + line, 'pair') < 0.1)::INTEGER AS quantity
FROM placed, unnest(range(1, 2 + (u(j, 'second') < 0.45)::INTEGER + (u(j, 'third') < 0.15)::INTEGER)) AS l (line);

CREATE TABLE sample.public.order_items AS
SELECT
    j * 4 + line AS order_item_id,
    500000 + j AS order_id,
    product_id,
    quantity,
    price AS unit_price,
    (quantity * price * (1 - CASE WHEN u(j, 'coupon') < 0.15 THEN 0.1 ELSE 0 END))::DECIMAL(10, 2) AS amount
FROM bought JOIN sample.public.products USING (product_id)
ORDER BY order_item_id;

CREATE TABLE sample.public.orders AS
SELECT
    500000 + j AS order_id,
    100000 + i AS customer_id,
    moment(t) AS ordered_at,
    CASE
        WHEN getvariable('day') - t < 1 THEN 'processing'
        WHEN fate < 0.03 THEN 'cancelled'
        WHEN getvariable('day') - t < 4 THEN 'shipped'
        WHEN fate < 0.09 AND getvariable('day') - t >= 14 THEN 'returned'
        ELSE 'delivered'
    END AS status,
    pick(['web', 'web', 'app', 'app', 'store'], j, 'channel') AS channel,
    items AS item_count,
    total
FROM placed JOIN (
    SELECT order_id - 500000 AS j, sum(quantity)::INTEGER AS items, sum(amount)::DECIMAL(12, 2) AS total
    FROM sample.public.order_items GROUP BY ALL
) USING (j)
ORDER BY order_id;

CREATE TABLE sample.public.cart_events AS
WITH browsed AS (
    SELECT k, i, t, 1 + floor(3.4 * pow(u(k, 'how many'), 1.6))::INTEGER AS adds
    FROM (
        SELECT k, t, who(k, 'cart', customers_by(floor(t))) AS i
        FROM (
            SELECT k, (k - 0.5) / getvariable('carts_a_day') - getvariable('cart_days') AS t
            FROM range(1, getvariable('carts_a_day') * (getvariable('cart_days') + getvariable('day')) + 1) AS r (k)
        )
    )
    SEMI JOIN people USING (i)
),
left_behind AS (
    SELECT k, i, t, line, adds, taken('cart' || (k * 8 + line), i) AS product_id
    FROM browsed, unnest(range(1, adds + 1)) AS l (line)
),
happened AS (
    SELECT k * 20 + line AS event_id, i, t + line * 0.001 AS t, 'add_to_cart' AS event_type, product_id, 1 AS quantity, 'b' || k AS visit
    FROM left_behind
    UNION ALL
    SELECT k * 20 + 9, i, t + adds * 0.001 + 0.002, 'remove_from_cart', product_id, 1, 'b' || k
    FROM left_behind WHERE line = adds AND u(k, 'regret') < 0.22
    UNION ALL
    SELECT j * 20 + 10 + line, i, t - 0.01 + line * 0.002, 'add_to_cart', product_id, quantity, 'o' || j
    FROM bought WHERE t >= 0.01 - getvariable('cart_days')
    UNION ALL
    SELECT j * 20 + 19, i, t, 'checkout', NULL, NULL, 'o' || j
    FROM placed WHERE t >= 0.01 - getvariable('cart_days')
)
SELECT
    event_id,
    100000 + i AS customer_id,
    event_type,
    product_id,
    quantity::INTEGER AS quantity,
    moment(t) AS event_at,
    left(md5(visit), 16) AS session_id,
    pick(['mobile', 'mobile', 'mobile', 'desktop', 'tablet'], visit, 'device') AS device
FROM happened
ORDER BY event_at, event_id;

CREATE TABLE sample.public.customers AS
WITH spent AS (
    SELECT
        customer_id,
        coalesce(sum(total) FILTER (status NOT IN ('cancelled', 'returned')), 0)::DECIMAL(12, 2) AS ltv,
        count(*)::INTEGER AS orders_count,
        max(ordered_at) AS last_order_at
    FROM sample.public.orders GROUP BY ALL
),
-- A cart keeps what was put in since the last checkout, for thirty days.
carts AS (
    SELECT
        customer_id,
        greatest(0, sum(CASE event_type WHEN 'add_to_cart' THEN quantity ELSE -quantity END)) ::INTEGER AS items_in_cart
    FROM (
        SELECT *, max(event_at) FILTER (event_type = 'checkout') OVER (PARTITION BY customer_id) AS checked_out
        FROM sample.public.cart_events
    )
    WHERE event_type <> 'checkout'
      AND (checked_out IS NULL OR event_at > checked_out)
      AND event_at >= moment(getvariable('day') - 30)
    GROUP BY ALL
)
SELECT
    100000 + i AS customer_id,
    first_name,
    last_name,
    ascii(first_name) || '.' || ascii(last_name) || i || '@' || pick(['example.com', 'example.net', 'example.org'], i, 'mail') AS email,
    CASE WHEN u(i, 'phone') < 0.88 THEN printf('+1%s55501%02d', place.zone, floor(u(i, 'number') * 100)::INTEGER) END AS phone,
    place.city AS city,
    place.state AS state,
    'US' AS country,
    CASE WHEN u(i, 'told') < 0.8 THEN date '1948-01-01' + floor(u(i, 'born') * 21000)::INTEGER END AS birth_date,
    moment(joined + u(i, 'joined')) AS signed_up_at,
    getvariable('brands')[affinity(i)] AS brand_affinity,
    (5 + floor(u(i, 'size') * 18) / 2)::DECIMAL(3, 1) AS shoe_size,
    CASE
        WHEN coalesce(ltv, 0) >= 5000 THEN 'Platinum'
        WHEN coalesce(ltv, 0) >= 2500 THEN 'Gold'
        WHEN coalesce(ltv, 0) >= 1200 THEN 'Silver'
        ELSE 'Normal'
    END AS vip_tier,
    coalesce(ltv, 0)::DECIMAL(12, 2) AS ltv,
    coalesce(orders_count, 0) AS orders_count,
    coalesce(items_in_cart, 0) AS items_in_cart,
    last_order_at,
    list_sort(list_distinct([
        pick(getvariable('categories'), i, 'first interest'), pick(getvariable('categories'), i, 'second interest')
    ])) AS interests,
    u(i, 'mail consent') < 0.72 AS email_opt_in,
    u(i, 'phone') < 0.88 AND u(i, 'text consent') < 0.35 AS sms_opt_in
FROM people
LEFT JOIN spent ON spent.customer_id = 100000 + i
LEFT JOIN carts ON carts.customer_id = 100000 + i
ORDER BY customer_id;

COMMENT ON TABLE sample.public.customers IS 'Everyone with an account in the shop';
COMMENT ON COLUMN sample.public.customers.ltv IS 'What the customer has spent so far, without cancelled and returned orders, in US dollars';
COMMENT ON COLUMN sample.public.customers.vip_tier IS 'Normal, Silver, Gold or Platinum, by lifetime value';
COMMENT ON COLUMN sample.public.customers.items_in_cart IS 'Items put into the cart in the last 30 days and not yet bought';
COMMENT ON COLUMN sample.public.customers.brand_affinity IS 'The brand the customer likes best';
COMMENT ON TABLE sample.public.products IS 'Shoes on sale';
COMMENT ON TABLE sample.public.orders IS 'Orders with their state';
COMMENT ON TABLE sample.public.order_items IS 'The lines of each order';
COMMENT ON TABLE sample.public.cart_events IS 'Items put into carts, taken out, and checkouts, from 60 days before the start';
