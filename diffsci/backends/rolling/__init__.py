"""Long programs that repeat themselves become loops before they are planned.

Tracing a Python loop writes its body once per iteration, and differentiation does so again backwards. The
time to plan and compile such a program should follow the code that is there, not how often it runs. A
repetition is looked for in the sequence of operations (`stretches`), checked to be a loop that carries a few
values and walks through arrays (`loops`), and written as one operation ``repeat`` (`rewrite`), which plans
run natively.
"""

from diffsci.backends.rolling.rewrite import rolled

__all__ = ["rolled"]
