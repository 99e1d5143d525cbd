"""The same problems in other tools, written the way their documentation asks for."""
