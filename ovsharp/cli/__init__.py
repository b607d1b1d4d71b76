"""The command line: one file per verb, every heavy import inside the verb."""
