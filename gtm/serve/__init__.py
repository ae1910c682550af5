"""The doors of a running simulator: MCP, an API's own HTTP paths, and the control plane."""
