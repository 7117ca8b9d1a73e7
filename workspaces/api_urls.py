"""REST addresses of this app."""

from django.urls import path

from workspaces.api import membership, people, roles, workspaces

urlpatterns = [
    path("roles", roles.RoleListView.as_view(), name="roles"),
    path("roles/<api_id:role_id>", roles.RoleView.as_view(), name="role"),
    path("groups", roles.GroupListView.as_view(), name="groups"),
    path("groups/<api_id:group_id>", roles.GroupView.as_view(), name="group"),
    path("groups/<api_id:group_id>/role", roles.GroupRoleView.as_view(), name="group_role"),
    path("members", people.MemberListView.as_view(), name="members"),
    path("members/<api_id:member_id>", people.MemberView.as_view(), name="member"),
    path("members/<api_id:member_id>/access", people.MemberAccessView.as_view(), name="member_access"),
    path("membership-requests", membership.MembershipRequestListView.as_view(), name="membership_requests"),
    path(
        "membership-requests/<api_id:request_id>",
        membership.MembershipRequestView.as_view(),
        name="membership_request",
    ),
    path(
        "membership-requests/<api_id:request_id>/approve",
        membership.ApproveMembershipRequestView.as_view(),
        name="approve_membership_request",
    ),
    path("invitations", people.InvitationListView.as_view(), name="invitations"),
    path("invitations/<api_id:invitation_id>", people.InvitationView.as_view(), name="invitation"),
    path("invitations/<api_id:invitation_id>/renew", people.RenewInvitationView.as_view(), name="renew_invitation"),
    path("workspaces", workspaces.WorkspaceListView.as_view(), name="workspaces"),
    path("workspace", workspaces.WorkspaceView.as_view(), name="workspace"),
]
