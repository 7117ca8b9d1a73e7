"""What the templates of every app share: icons, status words, diffs, lists and form widgets."""
