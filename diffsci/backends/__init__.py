"""From a graph to a program: what a jitted function runs, the plan of loops, the native CPU backend."""
