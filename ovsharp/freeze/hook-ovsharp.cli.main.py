"""PyInstaller's hook for the command: its verbs are imported by name."""

from PyInstaller.utils.hooks import collect_submodules

hiddenimports = [*collect_submodules("ovsharp.cli"), *collect_submodules("ovsharp.lab")]
