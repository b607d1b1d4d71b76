"""Verbs of those who make models, and judge them: one file each; heavy imports inside the verb."""
