"""Graphs as columns, their types and sizes, their printed form and plans; nothing that knows the meaning of an op."""
