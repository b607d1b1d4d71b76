"""PyInstaller's hook: models and pages that come with ovsharp, and what is imported by name."""

from PyInstaller.utils.hooks import collect_data_files, collect_dynamic_libs

# Weights to train on from are in the repository only.
datas = collect_data_files("ovsharp", excludes=["**/*.pth", "freeze/*"])
# OpenVINO opens its plugins and readers itself, beside its own library.
binaries = collect_dynamic_libs("openvino", search_patterns=["*.dll", "*.dylib", "lib*.so*"])
hiddenimports = ["ovsharp.runtime", "ovsharp.apps"]
