"""The tools, by their names, in the order in which they are listed."""

from krach.assistant.registry import Tool

from . import controls, files, listening, nodes, patterns, sounds, whole

TOOLS: dict[str, Tool] = {
    name: tool
    for each in (whole, nodes, patterns, controls, sounds, listening, files)
    for name, tool in each.TOOLS.items()
}
"""Every tool."""
