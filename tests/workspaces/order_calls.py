"""Services of spaces, folders, filters, favourites, deletion and operators, called so that each changes something."""

from __future__ import annotations

from collections.abc import Callable

from tests.world import BUILDER, World
from workspaces import services
from workspaces.actors import person
from workspaces.models import Folder, MembershipRequest, SavedFilter, Space, User, UserGroup
from workspaces.services.deleting import erase_workspace
from workspaces.services.operators import bar_person, readmit_person, set_operator


def order_services(world: World) -> dict[str, Callable[[], object]]:
    """To be called, one after the other, in the scope of acme's workspace."""
    place, actor = world.acme, world.acme.actor
    workspace, rows = place.workspace, place.rows
    space: Space = rows["space"]
    folder: Folder = rows["folder"]
    saved: SavedFilter = rows["saved_filter"]
    sync = rows["sync"].pk
    other = services.create_workspace(actor=BUILDER, organization=workspace.organization, name="To go")

    def switch_off() -> object:
        Space.objects.all().delete()
        return services.switch_spaces(actor=actor, workspace=workspace, enabled=False)

    outside = [User.objects.create_user(f"outside{number}@else.test") for number in range(3)]

    def asked(number: int) -> MembershipRequest:
        return MembershipRequest.objects.create(workspace=workspace, user=outside[number])

    return {
        "ask_for_membership": lambda: services.ask_for_membership(actor=person(outside[0]), slug=workspace.slug),
        "give_up_membership_request": lambda: services.give_up_membership_request(
            actor=person(outside[0]), slug=workspace.slug
        ),
        "decline_membership_request": lambda: services.decline_membership_request(actor=actor, asked=asked(1)),
        "approve_membership_request": lambda: services.approve_membership_request(
            actor=actor, asked=asked(2), group=UserGroup.objects.filter(roles__workspace=workspace)[0]
        ),
        "create_space": lambda: services.create_space(actor=actor, workspace=workspace, name="Sales"),
        "update_space": lambda: services.update_space(actor=actor, space=space, name="Money"),
        "delete_space": lambda: services.delete_space(actor=actor, space=space),
        "switch_spaces": switch_off,
        "switch_area": lambda: services.switch_area(actor=actor, workspace=workspace, key="studio", enabled=False),
        "create_folder": lambda: services.create_folder(actor=actor, workspace=workspace, name="Ads"),
        "rename_folder": lambda: services.rename_folder(actor=actor, folder=folder, name="Growth"),
        "move_folder": lambda: services.move_folder(
            actor=actor, folder=folder, parent=Folder.objects.get(name="Ads", workspace=workspace)
        ),
        "update_folder": lambda: services.update_folder(actor=actor, folder=folder, name="Brand", parent=None),
        "delete_folder": lambda: services.delete_folder(actor=actor, folder=folder),
        "create_saved_filter": lambda: services.create_saved_filter(
            actor=actor, workspace=workspace, page="models", name="Mine", query="q=mine"
        ),
        "update_saved_filter": lambda: services.update_saved_filter(actor=actor, saved=saved, name="Broken"),
        "set_default_view": lambda: services.set_default_view(
            actor=actor, workspace=workspace, page="syncs", saved=saved
        ),
        "delete_saved_filter": lambda: services.delete_saved_filter(actor=actor, saved=saved),
        "add_favourite": lambda: services.add_favourite(actor=actor, workspace=workspace, kind="sync", object_id=sync),
        "remove_favourite": lambda: services.remove_favourite(actor=actor, kind="sync", object_id=sync),
        "dismiss_hint": lambda: services.dismiss_hint(actor=actor, workspace=workspace, hint="get-started"),
        "restore_hint": lambda: services.restore_hint(actor=actor, hint="get-started"),
        "start_deletion": lambda: services.start_deletion(actor=actor, workspace=other, confirm_name=other.slug),
        "finish_deletion": lambda: erase_workspace(other.pk),
        "bar_person": lambda: bar_person(actor=BUILDER, user=world.people["viewer"]),
        "readmit_person": lambda: readmit_person(actor=BUILDER, user=world.people["viewer"]),
        "set_operator": lambda: set_operator(actor=BUILDER, user=world.owner, operator=True),
    }
