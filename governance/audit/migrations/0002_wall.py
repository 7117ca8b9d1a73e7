"""The audit log is walled like the rows it speaks of, and what is written stays.

Entries of a workspace are seen in its scope; entries of the organization itself
in the scopes of its workspaces too; entries of neither only when unscoped.
Nothing can change an entry, and only retention can delete one: it says so with
``SET LOCAL headrace.retention = 'on'`` in the same transaction.
"""

from django.db import migrations

# Subqueries are evaluated once a statement, and a bare current_setting once a row.
VISIBLE = "current_setting('headrace.workspace', true)"
ORGANIZATION = "(SELECT current_setting('headrace.organization', true))"
OWN = f"(SELECT string_to_array(nullif({VISIBLE}, '*'), ',')::bigint[])::bigint[]"

POLICY = f"""
CREATE POLICY audit_wall ON audit_auditentry USING (
    (SELECT {VISIBLE} = '*')
    OR workspace_id = ANY({OWN})
    OR (workspace_id IS NULL AND (
        organization_id::text = {ORGANIZATION}
        OR organization_id IN (SELECT organization_id FROM workspaces_workspace WHERE id = ANY({OWN}))
    ))
)
"""

KEEP = """
CREATE FUNCTION headrace_keep_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('headrace.retention', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'audit entries are never changed, and deleted only by retention'
        USING ERRCODE = 'insufficient_privilege';
END
$$
"""


class Migration(migrations.Migration):
    # The policy reads which organization a workspace belongs to.
    dependencies = [("audit", "0001_initial"), ("workspaces", "0002_walls")]

    operations = [
        migrations.RunSQL(
            [
                "ALTER TABLE audit_auditentry ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
                POLICY,
            ],
            [
                "DROP POLICY audit_wall ON audit_auditentry",
                "ALTER TABLE audit_auditentry NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY",
            ],
        ),
        migrations.RunSQL(
            [
                KEEP,
                "CREATE TRIGGER audit_keep BEFORE UPDATE OR DELETE ON audit_auditentry "
                "FOR EACH ROW EXECUTE FUNCTION headrace_keep_audit()",
            ],
            ["DROP TRIGGER audit_keep ON audit_auditentry", "DROP FUNCTION headrace_keep_audit()"],
        ),
    ]
