"""Executors: graphs and values in, values out."""
