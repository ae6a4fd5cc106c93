"""With this folder in PYTHONPATH, `import httpx` gets httpx2 in every process: the generated code, the package and the tests alike."""

import httpx2

httpx2.alias_httpx()
