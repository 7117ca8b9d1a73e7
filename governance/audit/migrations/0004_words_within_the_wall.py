"""Words are found by an index that knows the wall.

PostgreSQL uses a condition for an index only after the wall's own, unless the condition's operator is leakproof, which
text search is not: every search read all entries that the session may see. Here the wall and the words are one
condition, of the policy itself. The words of an entry stand in a table of their own, each begun with the entry's
organization, beside one that names its workspace; a row is seen by who asks for its words (``headrace.search``) from
within its wall, and by nobody who asks for none.
"""

from django.db import migrations

from config.postgres.base import visible_workspaces

VISIBLE = "current_setting('headrace.workspace', true)"

TABLE = """
CREATE TABLE audit_entrywords (
    entry_id bigint PRIMARY KEY REFERENCES audit_auditentry (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    words tsvector NOT NULL
)
"""
# "e" stands in every row, for upkeep and backups. A word of text search has at most 2,046 bytes.
WALLED = """
CREATE FUNCTION headrace_walled_words(organization bigint, workspace bigint, words tsvector) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN array_to_tsvector(ARRAY['e', coalesce('w' || workspace, 'n')] || ARRAY(
    SELECT coalesce(organization, 0) || ' ' || word FROM unnest(tsvector_to_array(words)) word
    WHERE octet_length(word) < 2000
))
"""
# In a workspace: its own entries and those of its organization that belong to no workspace. In an organization: all.
ASKED = f"""
CREATE FUNCTION headrace_asked_words() RETURNS tsquery LANGUAGE plpgsql STABLE AS $$
DECLARE
    visible text := coalesce({VISIBLE}, '');
    inside text := coalesce(current_setting('headrace.organization', true), '');
    search text := coalesce(current_setting('headrace.search', true), '');
    organizations text[];
    places text := '';
BEGIN
    IF visible = '*' OR current_setting('headrace.redaction', true) = 'on' THEN
        RETURN 'e'::tsquery;
    END IF;
    IF search = '' OR visible || inside = '' THEN
        RETURN NULL;
    END IF;
    IF inside <> '' THEN
        organizations := ARRAY[inside];
    ELSE
        organizations := ARRAY(
            SELECT DISTINCT organization_id::text FROM workspaces_workspace
            WHERE id = ANY(string_to_array(visible, ',')::bigint[])
        );
        places := '(n | w' || replace(visible, ',', ' | w') || ') & ';
    END IF;
    RETURN places || (
        SELECT string_agg('(' || (
            SELECT string_agg(quote_literal(organization || ' ' || word) || ':*', ' | ')
            FROM unnest(organizations) organization
        ) || ')', ' & ') FROM unnest(string_to_array(search, ' ')) word
    );
END
$$
"""
FIND = """
CREATE FUNCTION headrace_find_entries(search text) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    found bigint[];
BEGIN
    PERFORM set_config('headrace.search', search, true);
    found := ARRAY(SELECT entry_id FROM audit_entrywords);
    PERFORM set_config('headrace.search', '', true);
    RETURN found;
END
$$
"""
KEEP_WORDS = """
CREATE FUNCTION headrace_keep_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO audit_entrywords
        SELECT id, headrace_walled_words(organization_id, workspace_id, words) FROM added;
    ELSE
        UPDATE audit_entrywords SET words = headrace_walled_words(NEW.organization_id, NEW.workspace_id, NEW.words)
        WHERE entry_id = NEW.id;
    END IF;
    RETURN NULL;
END
$$
"""
POLICY = """
CREATE POLICY audit_words_wall ON audit_entrywords USING (words @@ (SELECT headrace_asked_words())) WITH CHECK (true)
"""
FORWARD = [
    TABLE,
    WALLED,
    ASKED,
    FIND,
    KEEP_WORDS,
    "ALTER TABLE audit_entrywords ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
    POLICY,
    "CREATE TRIGGER audit_words_added AFTER INSERT ON audit_auditentry REFERENCING NEW TABLE AS added "
    "FOR EACH STATEMENT EXECUTE FUNCTION headrace_keep_words()",
    "CREATE TRIGGER audit_words_changed AFTER UPDATE OF before, after, resource_label ON audit_auditentry "
    "FOR EACH ROW EXECUTE FUNCTION headrace_keep_words()",
]
BACKWARD = [
    "DROP TRIGGER audit_words_changed ON audit_auditentry",
    "DROP TRIGGER audit_words_added ON audit_auditentry",
    "DROP FUNCTION headrace_keep_words()",
    "DROP FUNCTION headrace_find_entries(text)",
    "DROP TABLE audit_entrywords",
    "DROP FUNCTION headrace_asked_words()",
    "DROP FUNCTION headrace_walled_words(bigint, bigint, tsvector)",
]
FILL = """
INSERT INTO audit_entrywords
SELECT id, headrace_walled_words(organization_id, workspace_id, words) FROM audit_auditentry
"""


def fill(apps, schema_editor):
    """The words of what is there."""
    before = visible_workspaces.set("*")
    try:
        schema_editor.execute(FILL)
    finally:
        visible_workspaces.reset(before)


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_chain"), ("workspaces", "0002_walls")]

    operations = [
        migrations.RunSQL(FORWARD, BACKWARD),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.RunSQL(
            [
                "CREATE INDEX audit_words_found ON audit_entrywords USING gin (words)",
                "DROP INDEX audit_words",
            ],
            [
                "CREATE INDEX audit_words ON audit_auditentry USING gin (words)",
                "DROP INDEX audit_words_found",
            ],
        ),
    ]
