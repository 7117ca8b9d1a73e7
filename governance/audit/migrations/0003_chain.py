"""Entries get a place in their organization's chain, and words to be found by.

What was written still stays, with three openings: sealing an entry that has no place
yet, erasing a person's values (``SET LOCAL headrace.redaction = 'on'``), and retention.
"""

import django.contrib.postgres.indexes
from django.db import migrations, models

VISIBLE = "current_setting('headrace.workspace', true)"
ORGANIZATION = "(SELECT current_setting('headrace.organization', true))"
OWN = f"(SELECT string_to_array(nullif({VISIBLE}, '*'), ',')::bigint[])::bigint[]"
OWN_ORGANIZATIONS = f"SELECT organization_id FROM workspaces_workspace WHERE id = ANY({OWN})"

ENTRIES = """
CREATE POLICY audit_wall ON audit_auditentry USING (
    (SELECT {visible} = '*')
    OR workspace_id = ANY({own})
    OR {organization}
    OR (workspace_id IS NULL AND organization_id IN ({own_organizations}))
)
"""
# The scope of an organization, which only its admins enter, shows the entries of all its workspaces too.
NOW = ENTRIES.format(
    visible=VISIBLE,
    own=OWN,
    organization=f"organization_id::text = {ORGANIZATION}",
    own_organizations=OWN_ORGANIZATIONS,
)
BEFORE = ENTRIES.format(
    visible=VISIBLE,
    own=OWN,
    organization=f"(workspace_id IS NULL AND organization_id::text = {ORGANIZATION})",
    own_organizations=OWN_ORGANIZATIONS,
)
CHAIN = f"""
CREATE POLICY audit_chain_wall ON audit_auditchain USING (
    (SELECT {VISIBLE} = '*')
    OR organization_id::text = {ORGANIZATION}
    OR organization_id IN ({OWN_ORGANIZATIONS})
)
"""

KEEP = """
CREATE OR REPLACE FUNCTION headrace_keep_audit() RETURNS trigger LANGUAGE plpgsql AS $$
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
KEPT_BEFORE = """
CREATE OR REPLACE FUNCTION headrace_keep_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('headrace.retention', true) = 'on' THEN
        RETURN OLD;
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


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_wall")]

    operations = [
        migrations.CreateModel(
            name="AuditChain",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("organization_id", models.BigIntegerField(unique=True)),
                ("sequence", models.BigIntegerField(default=0)),
                ("head", models.BinaryField(max_length=32)),
                ("start_sequence", models.BigIntegerField(default=0)),
                ("start_head", models.BinaryField(default=bytes(32), max_length=32)),
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
        migrations.AddField("auditentry", "sequence", models.BigIntegerField(null=True)),
        migrations.AddField("auditentry", "salt", models.BinaryField(max_length=16, null=True)),
        migrations.AddField("auditentry", "digest", models.BinaryField(max_length=32, null=True)),
        migrations.AddField("auditentry", "link", models.BinaryField(max_length=32, null=True)),
        migrations.RunSQL(
            [WORDS, COLUMN, "CREATE INDEX audit_words ON audit_auditentry USING gin (words)"],
            [
                "DROP INDEX audit_words",
                "ALTER TABLE audit_auditentry DROP COLUMN words",
                "DROP FUNCTION headrace_audit_words(text)",
            ],
        ),
        migrations.RunSQL([KEEP], [KEPT_BEFORE]),
        migrations.RunSQL(
            ["DROP POLICY audit_wall ON audit_auditentry", NOW],
            ["DROP POLICY audit_wall ON audit_auditentry", BEFORE],
        ),
        migrations.RunSQL(
            ["ALTER TABLE audit_auditchain ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY", CHAIN],
            [
                "DROP POLICY audit_chain_wall ON audit_auditchain",
                "ALTER TABLE audit_auditchain NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RemoveIndex("auditentry", "audit_at"),
        migrations.AddIndex("auditentry", models.Index(fields=["at"], name="audit_time")),
        migrations.AddIndex("auditentry", models.Index(fields=["workspace_id", "event", "-id"], name="audit_event")),
        migrations.AddIndex(
            "auditentry", models.Index(fields=["organization_id", "event", "-id"], name="audit_organization_event")
        ),
        migrations.AddIndex(
            "auditentry", models.Index(fields=["organization_id", "user_id", "-id"], name="audit_organization_person")
        ),
        migrations.AddIndex(
            "auditentry",
            models.Index(
                fields=["organization_id", "id"], name="audit_unsealed", condition=models.Q(sequence__isnull=True)
            ),
        ),
        migrations.AddIndex(
            "auditentry",
            django.contrib.postgres.indexes.HashIndex(fields=["correlation_id"], name="audit_correlation"),
        ),
        migrations.AddConstraint(
            "auditentry",
            models.UniqueConstraint(
                fields=["organization_id", "sequence"], name="audit_place_once", nulls_distinct=True
            ),
        ),
    ]
