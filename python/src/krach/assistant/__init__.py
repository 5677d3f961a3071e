"""``krach mcp``: an assistant at the session, over the Model Context Protocol."""
