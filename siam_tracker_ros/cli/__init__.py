"""The command ``siam-track``: one file per sub-command."""
