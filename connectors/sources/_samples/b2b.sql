-- A company that sells software to organizations: who uses it, what they pay, what they do in it.
-- History begins 900 days before the start; every later day adds to it.

SET VARIABLE history = 900;
SET VARIABLE organizations = greatest(10, round(5000 * getvariable('scale'))::BIGINT);
SET VARIABLE organizations_a_day = greatest(1, round(getvariable('organizations') * 0.002)::BIGINT);
SET VARIABLE members = getvariable('organizations') * 9;
SET VARIABLE members_a_day = greatest(1, round(getvariable('members') * 0.003)::BIGINT);
SET VARIABLE event_days = 60;
SET VARIABLE events_a_day = greatest(5, round(getvariable('members') * 0.074)::BIGINT);

SET VARIABLE first_words = [
    'Amber', 'Birch', 'Blue', 'Bright', 'Cedar', 'Clear', 'Copper', 'Coral', 'Delta', 'Early', 'Fern', 'Field', 'Garnet',
    'Golden', 'Granite', 'Harbor', 'Hazel', 'Iron', 'Ivory', 'Lark', 'Lime', 'Maple', 'Meadow', 'Mill', 'Moss', 'North',
    'Oak', 'Onyx', 'Pine', 'Quartz', 'River', 'Rowan', 'Sage', 'Silver', 'South', 'Spruce', 'Stone', 'Summit', 'Thistle',
    'Timber', 'True', 'Velvet', 'West', 'Willow', 'Winter'
];
SET VARIABLE second_words = [
    'Analytics', 'Bakery', 'Builders', 'Capital', 'Care', 'Clinic', 'Consulting', 'Design', 'Dynamics', 'Energy', 'Foods',
    'Foundry', 'Freight', 'Gardens', 'Health', 'Homes', 'Insurance', 'Labs', 'Learning', 'Legal', 'Logistics', 'Media',
    'Mobility', 'Motors', 'Outfitters', 'Partners', 'Press', 'Robotics', 'Schools', 'Security', 'Studios', 'Supply',
    'Systems', 'Textiles', 'Travel', 'Works'
];
SET VARIABLE industries = [
    'Construction', 'Education', 'Energy', 'Finance', 'Food', 'Healthcare', 'Logistics', 'Manufacturing', 'Media',
    'Professional services', 'Retail', 'Software', 'Travel'
];
SET VARIABLE countries = ['US', 'US', 'US', 'US', 'GB', 'CA', 'DE', 'FR', 'NL', 'SE', 'ES', 'BR', 'IN', 'JP', 'AU'];
SET VARIABLE titles = [
    'Account Executive', 'Analyst', 'Consultant', 'Customer Success Manager', 'Data Engineer', 'Designer', 'Engineer',
    'Finance Manager', 'Marketing Manager', 'Office Manager', 'Operations Lead', 'Product Manager', 'Project Manager',
    'Recruiter', 'Researcher', 'Sales Manager'
];
SET VARIABLE happenings = [
    'document_viewed', 'document_viewed', 'document_viewed', 'document_viewed', 'document_uploaded', 'document_uploaded',
    'comment_added', 'comment_added', 'document_shared', 'search_performed', 'search_performed', 'user_invited',
    'export_started', 'integration_connected'
];

CREATE MACRO joined_on(i, before, a_day, grows) AS CASE
    WHEN i > before THEN (i - before - 1) // a_day
    ELSE floor(-getvariable('history') * (1 - pow((i - 0.5) / before, grows)))
END::BIGINT;
-- Every organization of a size class has its place in the numbering: the large ones get most people.
CREATE MACRO size_class(i) AS CASE WHEN i % 25 = 0 THEN 3 WHEN i % 5 = 1 THEN 2 WHEN i % 5 = 2 THEN 1 ELSE 0 END;

CREATE TEMP TABLE companies AS
WITH numbered AS (
    SELECT i, joined_on(i, getvariable('organizations'), getvariable('organizations_a_day'), 0.8) AS joined, size_class(i) AS size
    FROM range(1, getvariable('organizations') + getvariable('organizations_a_day') * getvariable('day') + 1) AS r (i)
)
SELECT
    i,
    joined,
    size,
    pick(getvariable('first_words'), i, 'first word') || ' ' || pick(getvariable('second_words'), i, 'second word') AS name,
    ['Startup', 'Commercial', 'Mid-Market', 'Enterprise'][1 + size] AS segment,
    floor([3, 30, 250, 2500][1 + size] * pow(10, u(i, 'employees')))::INTEGER AS employees,
    -- Some free and self-serve organizations move to a larger plan as days go by.
    CASE
        WHEN size = 3 THEN 'Enterprise'
        WHEN size = 2 AND u(i, 'plan') < 0.7 THEN 'Business'
        WHEN getvariable('day') >= happens_on(i, 'upgrades', 0.0008) THEN 'Business'
        WHEN u(i, 'plan') < 0.45 THEN 'Self-Serve'
        WHEN u(i, 'plan') < 0.55 THEN 'Business'
        ELSE 'Free'
    END AS type
FROM numbered;

CREATE TEMP TABLE everyone AS
WITH members AS (
    SELECT
        k,
        CASE
            WHEN u(k, 'kind') < 0.30 AND getvariable('organizations') >= 25
            THEN 25 * (1 + floor(u(k, 'organization') * (getvariable('organizations') // 25)))
            WHEN u(k, 'kind') < 0.62 THEN 1 + 5 * floor(u(k, 'organization') * (getvariable('organizations') // 5))
            ELSE 1 + floor(u(k, 'organization') * getvariable('organizations'))
        END::BIGINT AS i
    FROM range(1, getvariable('members') + getvariable('members_a_day') * getvariable('day') + 1) AS r (k)
)
-- Whoever opened the organization's account is its admin.
SELECT 'a' || i AS person, i, joined, true AS founder FROM companies
UNION ALL
SELECT 'm' || k, i, greatest(joined + 1, joined_on(k, getvariable('members'), getvariable('members_a_day'), 0.8)), false
FROM members JOIN companies USING (i);

CREATE TEMP TABLE persons AS
SELECT
    person,
    i,
    joined,
    founder,
    pick(getvariable('first_names'), person, 'first') AS first_name,
    pick(getvariable('last_names'), person, 'last') AS last_name,
    -- A quarter signed up and never really began.
    CASE WHEN u(person, 'began') < 0.25 AND NOT founder THEN 0 ELSE 0.01 + 0.05 * u(person, 'habit') END AS a_day,
    greatest(joined, joined - floor(joined * pow(u(person, 'seen'), 0.4)) - 1) AS seen_before
FROM everyone
WHERE joined < getvariable('day')
  AND getvariable('day') < greatest(joined, 0) + happens_on(person, 'leaves', 0.0003);

-- The days since the start on which somebody worked.
CREATE TEMP TABLE worked AS
SELECT person, i, d
FROM persons, unnest(range(getvariable('day'))) AS days (d)
WHERE d > joined AND u(person || ':' || d, 'works') < a_day;

CREATE TEMP TABLE activity AS
SELECT person, max(d) AS last_day, count(*) AS days_worked, count(*) FILTER (d >= getvariable('day') - 30) AS recent_days
FROM worked GROUP BY ALL;

CREATE TABLE sample.public.users AS
SELECT
    md5('user ' || person)::UUID AS user_id,
    printf('org_%06d', i) AS organization_id,
    first_name,
    last_name,
    ascii(first_name) || '.' || ascii(last_name) || ltrim(person, 'am') || '@' || ascii(companies.name) || i || '.example' AS email,
    CASE WHEN founder OR u(person, 'role') < 0.06 THEN 'admin' WHEN u(person, 'role') < 0.6 THEN 'editor' ELSE 'viewer' END AS role,
    CASE WHEN u(person, 'told') < 0.85 THEN pick(getvariable('titles'), person, 'title') END AS job_title,
    moment(persons.joined + u(person, 'joined')) AS created_at,
    CASE
        WHEN last_day IS NOT NULL THEN moment(last_day + u(person || ':' || last_day, 'hour'))
        WHEN a_day > 0 THEN moment(greatest(seen_before + u(person, 'hour'), persons.joined + u(person, 'joined')))
    END AS last_seen_at,
    coalesce(last_day, CASE WHEN a_day > 0 THEN seen_before END) >= getvariable('day') - 30 IS TRUE AS is_active,
    (CASE WHEN a_day > 0 AND seen_before >= getvariable('day') - 30 THEN floor(a_day * 150 * u(person, 'documents')) ELSE 0 END
        + coalesce(recent_days, 0))::INTEGER AS documents_uploaded_l30d,
    (floor(a_day * 900 * u(person, 'documents')) + coalesce(days_worked, 0))::INTEGER AS documents_uploaded,
    pick(['en', 'en', 'en', 'en', 'de', 'fr', 'es', 'pt', 'ja'], person, 'locale') AS locale,
    u(person, 'consent') < 0.66 AS email_opt_in
FROM persons
JOIN companies USING (i)
LEFT JOIN activity USING (person)
ORDER BY created_at, user_id;

CREATE TABLE sample.public.organizations AS
WITH grown AS (
    SELECT i, sum(20 + floor(u(person || ':' || d, 'megabytes') * 400)) AS megabytes FROM worked GROUP BY ALL
),
people AS (
    SELECT
        organization_id,
        count(*)::INTEGER AS users_count,
        count(*) FILTER (is_active)::INTEGER AS active_users_l30d,
        sum(documents_uploaded_l30d)::INTEGER AS documents_uploaded_l30d,
        max(last_seen_at) AS last_active_at
    FROM sample.public.users GROUP BY ALL
)
SELECT
    printf('org_%06d', i) AS organization_id,
    name,
    ascii(name) || i || '.example' AS domain,
    type,
    segment,
    pick(getvariable('industries'), i, 'industry') AS industry,
    pick(getvariable('countries'), i, 'country') AS country,
    employees AS employee_count,
    moment(joined + u('a' || i, 'joined')) AS created_at,
    (floor([2000, 12000, 40000, 90000][1 + size] * pow(20, u(i, 'storage')) / 4) + coalesce(megabytes, 0))::BIGINT AS total_storage_used_mb,
    CASE type WHEN 'Free' THEN 10000 WHEN 'Self-Serve' THEN 50000 WHEN 'Business' THEN 500000 END::BIGINT AS storage_limit_mb,
    (coalesce(users_count, 0) + floor(coalesce(users_count, 0) * u(i, 'invited') * 0.4))::INTEGER AS total_users_invited,
    coalesce(users_count, 0) AS users_count,
    coalesce(active_users_l30d, 0) AS active_users_l30d,
    coalesce(people.documents_uploaded_l30d, 0) AS documents_uploaded_l30d,
    last_active_at,
    {'sso': size = 3, 'audit_log': size >= 2, 'theme': pick(['light', 'dark', 'system'], i, 'theme')} AS settings
FROM companies
LEFT JOIN grown USING (i)
LEFT JOIN people ON people.organization_id = printf('org_%06d', i)
ORDER BY i;

CREATE TABLE sample.public.subscriptions AS
SELECT
    printf('sub_%06d', i) AS subscription_id,
    printf('org_%06d', i) AS organization_id,
    companies.type AS plan,
    greatest(users_count, 1) AS seats,
    (greatest(users_count, 1) * CASE companies.type WHEN 'Self-Serve' THEN 12 WHEN 'Business' THEN 24 ELSE 39 END)::DECIMAL(12, 2) AS monthly_amount,
    'USD' AS currency,
    CASE
        WHEN getvariable('day') >= happens_on(i, 'cancels', 0.0007) OR u(i, 'churned') < 0.05 THEN 'cancelled'
        WHEN u(i, 'overdue') < 0.04 THEN 'past_due'
        ELSE 'active'
    END AS status,
    getvariable('first_day') + (joined + 14)::INTEGER AS started_on,
    getvariable('first_day') + (getvariable('day') + (joined + 14 - getvariable('day')) % 365 + 365)::INTEGER AS renews_on
FROM companies
JOIN sample.public.organizations ON organization_id = printf('org_%06d', i)
WHERE companies.type <> 'Free'
ORDER BY i;

-- Numbered in the order they joined; those who leave keep their number, so that nobody else's events change.
CREATE TEMP TABLE actors AS
SELECT person, i, row_number() OVER (ORDER BY joined, person) AS place
FROM everyone WHERE joined < -getvariable('event_days');
SET VARIABLE actors = (SELECT count(*) FROM actors);

CREATE TABLE sample.public.product_events AS
WITH numbered AS (
    SELECT
        e,
        (e - 0.5) / getvariable('events_a_day') - getvariable('event_days') AS t,
        1 + floor(pow(u(e, 'whose'), 1.5) * getvariable('actors'))::BIGINT AS place
    FROM range(1, getvariable('events_a_day') * (getvariable('event_days') + getvariable('day')) + 1) AS r (e)
)
SELECT
    e AS event_id,
    md5('user ' || person)::UUID AS user_id,
    printf('org_%06d', i) AS organization_id,
    pick(getvariable('happenings'), e, 'what') AS event_name,
    moment(t) AS occurred_at,
    json_object(
        'client', pick(['web', 'web', 'desktop', 'mobile'], e, 'client'),
        'duration_ms', floor(40 * pow(60, u(e, 'duration')))::INTEGER
    ) AS properties
FROM numbered JOIN actors USING (place)
SEMI JOIN persons USING (person)
ORDER BY event_id;

COMMENT ON TABLE sample.public.organizations IS 'Companies with an account';
COMMENT ON COLUMN sample.public.organizations.type IS 'Plan: Free, Self-Serve, Business or Enterprise';
COMMENT ON COLUMN sample.public.organizations.total_storage_used_mb IS 'Storage used by everyone together, in megabytes';
COMMENT ON COLUMN sample.public.organizations.documents_uploaded_l30d IS 'Documents uploaded in the last 30 days';
COMMENT ON TABLE sample.public.users IS 'People with a login, each in one organization';
COMMENT ON COLUMN sample.public.users.last_seen_at IS 'When they last used the product; empty for those who never did';
COMMENT ON TABLE sample.public.subscriptions IS 'What paying organizations pay';
COMMENT ON TABLE sample.public.product_events IS 'What people do in the product, from 60 days before the start';
