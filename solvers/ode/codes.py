"""Numbers shared between the compiled loops and the Python around them."""

# Why a loop returned. Positive: it wants something and goes on; negative: the integration has failed.
RUNNING = 0  # the chunk of steps is over
DONE = 1
GROW = 2  # the block of recorded states is full
NEED_PATH = 3  # no variant of the program covers the branch that the model takes here
UNDERFLOW = -1
TOO_MANY_STEPS = -2
NON_FINITE = -3
PROGRAM_FAILED = -4

# Integer settings of `integrate`.
SIZE, STEP_OUT, DENSE_OUT, N_ERRORS, N_DENSE, MAX_STEPS, RECORD, RECORD_DENSE, N_SETTINGS = range(9)

# Real settings of `integrate`.
T_END, DIRECTION, RTOL, MAX_STEP, SAFETY, MIN_FACTOR, MAX_FACTOR, ALPHA, BETA, SHRINK, N_REALS = range(11)

# Integer state of `integrate`, kept between chunks.
(
    STEPS, REJECTED, ATTEMPTS, ROW, ROW_STEP, NEXT_EVAL, Y_ADDRESS, LAST_REJECTED, STATUS, N_COUNTS,
) = range(10)  # fmt: skip

# Real state of `integrate`.
TIME, STEP_SIZE, ERROR_BEFORE, TRIED, N_STATE = range(5)

# One action beyond those of a checkpoint schedule: the last step of the first sweep, whose result is an
# output only; the working state stays where the reverse sweep begins.
FINISH = 5

# Integer settings of `replay`.
(
    R_SIZE, R_COMPONENTS, R_STEP_OUT, R_FIRST_OUT, R_VJP_OUT, R_DENSE_VJP_OUT, R_CHECK,
    R_N_SETTINGS,
) = range(8)  # fmt: skip

# Integer state of `replay`.
POSITION, SUBSTEP, CURRENT, LAMBDA, HIGH, ADVANCED, REVERSED, R_STATUS, R_N_COUNTS = range(9)
