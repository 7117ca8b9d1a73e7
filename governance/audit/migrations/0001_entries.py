"""The audit log is walled like the rows it speaks of, and what is written stays.

Entries of a workspace are seen in its scope; entries of the organization itself in
the scopes of its workspaces too; entries of neither only when unscoped. Nothing can
change an entry, with three openings: sealing an entry that has no place in its
organization's chain yet, erasing a person's values (``SET LOCAL headrace.redaction =
'on'``), and retention, which alone deletes (``SET LOCAL headrace.retention = 'on'``).

Words are found by an index that knows the wall. PostgreSQL uses a condition for an index
only after the wall's own, unless the condition's operator is leakproof, which text search
is not: every search read all entries that the session may see. Here the wall and the words
are one condition, of the policy itself. The words of an entry stand in a table of their own,
each begun with the entry's organization, beside one that names its workspace; a row is seen
by who asks for its words (``headrace.search``) from within its wall, and by nobody who asks
for none.
"""

import django.contrib.postgres.indexes
import django.core.serializers.json
from django.db import migrations, models

from config.postgres.operations import CreateModels

VISIBLE = "current_setting('headrace.workspace', true)"
ORGANIZATION = "(SELECT current_setting('headrace.organization', true))"
# Subqueries are evaluated once a statement, and a bare current_setting once a row.
OWN = f"(SELECT string_to_array(nullif({VISIBLE}, '*'), ',')::bigint[])::bigint[]"
OWN_ORGANIZATIONS = f"SELECT organization_id FROM workspaces_workspace WHERE id = ANY({OWN})"

# The scope of an organization, which only its admins enter, shows the entries of all its workspaces too.
ENTRIES = f"""
CREATE POLICY audit_wall ON audit_auditentry USING (
    (SELECT {VISIBLE} = '*')
    OR workspace_id = ANY({OWN})
    OR organization_id::text = {ORGANIZATION}
    OR (workspace_id IS NULL AND organization_id IN ({OWN_ORGANIZATIONS}))
)
"""
CHAIN = f"""
CREATE POLICY audit_chain_wall ON audit_auditchain USING (
    (SELECT {VISIBLE} = '*')
    OR organization_id::text = {ORGANIZATION}
    OR organization_id IN ({OWN_ORGANIZATIONS})
)
"""
KEEP = """
CREATE FUNCTION headrace_keep_audit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    same audit_auditentry;
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('headrace.retention', true) = 'on' THEN
        RETURN OLD;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        same := NEW;
        same.words := OLD.words;
        IF OLD.sequence IS NULL AND NEW.sequence IS NOT NULL THEN
            same.sequence := OLD.sequence; same.salt := OLD.salt; same.digest := OLD.digest; same.link := OLD.link;
            IF same IS NOT DISTINCT FROM OLD THEN
                RETURN NEW;
            END IF;
        ELSIF current_setting('headrace.redaction', true) = 'on' THEN
            same.before := OLD.before; same.after := OLD.after; same.resource_label := OLD.resource_label;
            same.salt := OLD.salt;
            IF same IS NOT DISTINCT FROM OLD THEN
                RETURN NEW;
            END IF;
        END IF;
    END IF;
    RAISE EXCEPTION 'audit entries are never changed, and deleted only by retention'
        USING ERRCODE = 'insufficient_privilege';
END
$$
"""
# What entries are found by: names as they are and cut at punctuation, and the first part of what was written.
# The embedded PostgreSQL brings no trigrams; words and their beginnings are what people search for here.
WORDS = r"""
CREATE FUNCTION headrace_audit_words(said text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN strip(to_tsvector('pg_catalog.simple', translate(
    replace(replace(said, '\n', ' '), '\t', ' '),
    '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~', repeat(' ', 32)
)))
"""
COLUMN = """
ALTER TABLE audit_auditentry ADD COLUMN words tsvector GENERATED ALWAYS AS (
    headrace_audit_words(
        event || ' ' || actor_label || ' ' || resource_label || ' '
        || left(coalesce(before::text, ''), 8000) || ' ' || left(coalesce(after::text, ''), 8000)
    )
) STORED
"""
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
WORDS_POLICY = """
CREATE POLICY audit_words_wall ON audit_entrywords USING (words @@ (SELECT headrace_asked_words())) WITH CHECK (true)
"""

ROW_SECURITY = "ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
FORWARD = [
    WORDS,
    COLUMN,
    KEEP,
    "CREATE TRIGGER audit_keep BEFORE UPDATE OR DELETE ON audit_auditentry "
    "FOR EACH ROW EXECUTE FUNCTION headrace_keep_audit()",
    f"ALTER TABLE audit_auditentry {ROW_SECURITY}",
    ENTRIES,
    f"ALTER TABLE audit_auditchain {ROW_SECURITY}",
    CHAIN,
    TABLE,
    WALLED,
    ASKED,
    FIND,
    KEEP_WORDS,
    f"ALTER TABLE audit_entrywords {ROW_SECURITY}",
    WORDS_POLICY,
    "CREATE TRIGGER audit_words_added AFTER INSERT ON audit_auditentry REFERENCING NEW TABLE AS added "
    "FOR EACH STATEMENT EXECUTE FUNCTION headrace_keep_words()",
    "CREATE TRIGGER audit_words_changed AFTER UPDATE OF before, after, resource_label ON audit_auditentry "
    "FOR EACH ROW EXECUTE FUNCTION headrace_keep_words()",
    "CREATE INDEX audit_words_found ON audit_entrywords USING gin (words)",
]
BACKWARD = [
    "DROP TABLE audit_entrywords",
    "DROP POLICY audit_chain_wall ON audit_auditchain",
    "ALTER TABLE audit_auditchain NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY",
    "DROP POLICY audit_wall ON audit_auditentry",
    "ALTER TABLE audit_auditentry NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY",
    "DROP TRIGGER audit_words_changed ON audit_auditentry",
    "DROP TRIGGER audit_words_added ON audit_auditentry",
    "DROP TRIGGER audit_keep ON audit_auditentry",
    "ALTER TABLE audit_auditentry DROP COLUMN words",
    "DROP FUNCTION headrace_keep_words()",
    "DROP FUNCTION headrace_find_entries(text)",
    "DROP FUNCTION headrace_asked_words()",
    "DROP FUNCTION headrace_walled_words(bigint, bigint, tsvector)",
    "DROP FUNCTION headrace_keep_audit()",
    "DROP FUNCTION headrace_audit_words(text)",
]


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        # The policies read which organization a workspace belongs to.,
        ("workspaces", "0002_workspaces"),
    ]
    replaces = [
        ("audit", "0001_initial"),
        ("audit", "0002_wall"),
        ("audit", "0003_chain"),
        ("audit", "0004_words_within_the_wall"),
        ("audit", "0005_actors_found"),
    ]

    operations = [
        CreateModels(
            [
                migrations.CreateModel(
                    name="AuditEntry",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("organization_id", models.BigIntegerField(null=True)),
                        ("workspace_id", models.BigIntegerField(null=True)),
                        ("at", models.DateTimeField(auto_now_add=True)),
                        ("event", models.CharField(max_length=80)),
                        (
                            "actor_kind",
                            models.CharField(
                                choices=[("person", "person"), ("api_key", "api_key"), ("system", "system")],
                                max_length=10,
                            ),
                        ),
                        ("actor_id", models.BigIntegerField(null=True)),
                        ("actor_label", models.CharField(max_length=320)),
                        ("user_id", models.BigIntegerField(null=True)),
                        ("resource_type", models.CharField(max_length=40)),
                        ("resource_id", models.BigIntegerField(null=True)),
                        ("resource_label", models.CharField(blank=True, max_length=400)),
                        ("before", models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder, null=True)),
                        ("after", models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder, null=True)),
                        ("correlation_id", models.CharField(max_length=32)),
                        ("sequence", models.BigIntegerField(null=True)),
                        ("salt", models.BinaryField(max_length=16, null=True)),
                        ("digest", models.BinaryField(max_length=32, null=True)),
                        ("link", models.BinaryField(max_length=32, null=True)),
                    ],
                    options={
                        "ordering": ["-id"],
                        "indexes": [
                            models.Index(fields=["workspace_id", "-id"], name="audit_workspace"),
                            models.Index(fields=["organization_id", "-id"], name="audit_organization"),
                            models.Index(fields=["workspace_id", "user_id", "-id"], name="audit_person"),
                            models.Index(
                                fields=["workspace_id", "resource_type", "resource_id", "-id"], name="audit_resource"
                            ),
                            models.Index(fields=["at"], name="audit_time"),
                            models.Index(fields=["workspace_id", "event", "-id"], name="audit_event"),
                            models.Index(fields=["organization_id", "event", "-id"], name="audit_organization_event"),
                            models.Index(
                                fields=["organization_id", "user_id", "-id"], name="audit_organization_person"
                            ),
                            models.Index(
                                condition=models.Q(("sequence__isnull", True)),
                                fields=["organization_id", "id"],
                                name="audit_unsealed",
                            ),
                            models.Index(
                                condition=models.Q(("actor_kind", "person"), _negated=True),
                                fields=["workspace_id", "actor_kind", "actor_id", "-id"],
                                name="audit_actor",
                            ),
                            models.Index(
                                condition=models.Q(("actor_kind", "person"), _negated=True),
                                fields=["organization_id", "actor_kind", "-id"],
                                name="audit_organization_actor",
                            ),
                            django.contrib.postgres.indexes.HashIndex(
                                fields=["correlation_id"], name="audit_correlation"
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("organization_id", "sequence"), name="audit_place_once", nulls_distinct=True
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="AuditChain",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("organization_id", models.BigIntegerField(unique=True)),
                        ("sequence", models.BigIntegerField(default=0)),
                        ("head", models.BinaryField(max_length=32)),
                        ("start_sequence", models.BigIntegerField(default=0)),
                        (
                            "start_head",
                            models.BinaryField(
                                default=b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
                                max_length=32,
                            ),
                        ),
                        ("signed_with", models.CharField(blank=True, default="", max_length=12)),
                        ("signature", models.BinaryField(default=b"", max_length=32)),
                        ("sealed_at", models.DateTimeField(null=True)),
                        ("retention_days", models.PositiveIntegerField(null=True)),
                        ("verifying_at", models.DateTimeField(null=True)),
                        ("verify_progress", models.PositiveSmallIntegerField(default=0)),
                        ("verified_at", models.DateTimeField(null=True)),
                        ("verdict", models.JSONField(null=True)),
                    ],
                ),
            ],
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
