"""An offline server of the Grok Imagine video API: the same contract, real MP4s, no key and no cost.

`python -m grok_imagine_sandbox` runs it; tests use it as `with Sandbox() as sandbox: ... sandbox.base_url`.
"""

from .scenarios import SCENARIOS
from .server import Sandbox

__all__ = ["SCENARIOS", "Sandbox"]
