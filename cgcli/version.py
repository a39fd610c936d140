"""The version, in a module of its own so that asking for it is cheap."""

VERSION = "0.1.0"
