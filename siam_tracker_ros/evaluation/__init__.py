"""Measuring trackers on annotated sequences: figures, protocols, peers and reports."""
