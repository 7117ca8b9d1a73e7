"""The REST API of people, groups, roles, invitations and workspaces.

A key acts in its own workspace. What belongs to the organization takes an
organization admin's (to read, a viewer's) key; roles and the role a group holds
take a workspace admin's.
"""
