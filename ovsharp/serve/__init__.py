"""`ovsharp serve`: a page and an HTTP API over one set of compiled models."""

from ovsharp.serve.app import create_app
from ovsharp.serve.guard import LOCAL, check_token
from ovsharp.serve.limits import Limits
from ovsharp.serve.models import Models
from ovsharp.serve.running import DRAIN, listen, run

__all__ = ["DRAIN", "LOCAL", "Limits", "Models", "check_token", "create_app", "listen", "run"]
