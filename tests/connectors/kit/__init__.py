"""The conformance kit: what every connector must do, whoever wrote it.

``declarations`` holds the static rules, ``fake_http`` a server that misbehaves on
purpose, ``cases`` data cases from JSON files. A new connector is covered by being registered.
"""
