"""What is wrong, said to people: the record of a problem, where it stands in a text, and the words for it."""
