"""Results as pictures, tables and reports: one file a target."""
