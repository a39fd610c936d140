"""Graphs as columns, types, source spans, the record of a diagnostic: the ground floor, which knows no op's meaning."""
