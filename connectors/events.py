"""What this app tells the audit log. Credentials are named there, never shown."""

from __future__ import annotations

from governance.audit.events import register

for _noun in ("source", "destination"):
    register(f"{_noun}.created", f"added the {_noun}")
    register(f"{_noun}.finished", f"finished setting up the {_noun}")
    register(f"{_noun}.updated", f"changed the {_noun}")
    register(f"{_noun}.renamed", f"renamed the {_noun}")
    register(f"{_noun}.labelled", f"changed the labels of the {_noun}")
    register(f"{_noun}.deleted", f"deleted the {_noun}")
    register(f"{_noun}.connected", f"signed the {_noun} in at its service")
    register(f"{_noun}.disconnected", f"removed the sign-in of the {_noun}")
    register(f"{_noun}.linked", f"linked the {_noun} with one of another workspace")
    register(f"{_noun}.unlinked", f"took the {_noun} out of its link with other workspaces")
    register(f"{_noun}.checked", f"tested the connection of the {_noun}")
register("source.write_checked", "tested the write access of the source")
register("source.planner_chosen", "moved the source to the warehouse planner")
register("source.sync_logs_changed", "changed the sync logs of the source")
register("destination.stopped", "stopped everything that is sent to the destination")
register("destination.released", "let syncs send to the destination again")
register("source.schema_refreshed", "read the tables and columns of the source again")
register("tunnel.created", "added the SSH tunnel")
register("tunnel.updated", "changed the SSH tunnel")
register("tunnel.server_confirmed", "confirmed the host key of the SSH tunnel's server")
register("tunnel.key_replaced", "replaced the key of the SSH tunnel")
register("tunnel.checked", "tested the SSH tunnel")
register("tunnel.deleted", "deleted the SSH tunnel")
register("cloud_credential.created", "added the cloud credential")
register("cloud_credential.updated", "changed the cloud credential")
register("cloud_credential.deleted", "deleted the cloud credential")
register("credentials.rotated", "encrypted stored credentials with the newest key")
