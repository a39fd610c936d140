"""The words of diagnostics: a table of templates for each topic, and `messages`, which fills them."""
