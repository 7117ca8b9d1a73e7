"""REST addresses of this app."""

from django.urls import path

from workspaces.api import areas, keys, membership, organization, people, roles, sign_in, workspaces

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
    path("api-keys", keys.ApiKeyListView.as_view(), name="api_keys"),
    path("api-keys/<api_id:key_id>", keys.ApiKeyView.as_view(), name="api_key"),
    path("service-accounts", keys.ServiceAccountListView.as_view(), name="service_accounts"),
    path("organization", organization.OrganizationView.as_view(), name="organization"),
    path("product-areas", areas.AreaListView.as_view(), name="areas"),
    path("product-areas/<slug:key>", areas.AreaView.as_view(), name="area"),
    path("workspace", workspaces.WorkspaceView.as_view(), name="workspace"),
    path("members/<api_id:member_id>/sign-out", sign_in.EndSessionsView.as_view(), name="member_sign_out"),
    path("identity-provider", sign_in.IdentityProviderView.as_view(), name="identity_provider"),
    path("identity-provider/attempts", sign_in.SsoAttemptListView.as_view(), name="sso_attempts"),
    path("sign-in-rules", sign_in.SignInRulesView.as_view(), name="sign_in_rules"),
    path("email-domains", sign_in.EmailDomainListView.as_view(), name="email_domains"),
    path("email-domains/<api_id:domain_id>", sign_in.EmailDomainView.as_view(), name="email_domain"),
    path("email-domains/<api_id:domain_id>/verify", sign_in.VerifyEmailDomainView.as_view(), name="verify_domain"),
    path("directory-groups", sign_in.DirectoryGroupListView.as_view(), name="directory_groups"),
    path("group-mappings", sign_in.GroupMappingListView.as_view(), name="group_mappings"),
    path("group-mappings/<api_id:mapping_id>", sign_in.GroupMappingView.as_view(), name="group_mapping"),
    path("scim-token", sign_in.ScimTokenView.as_view(), name="scim_token"),
]
