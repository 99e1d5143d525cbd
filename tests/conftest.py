"""For all tests: every pass is checked node by node."""

from diffsci.graph.verify import check_every_node

check_every_node()
