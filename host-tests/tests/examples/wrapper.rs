//! The shell command `mllp-send`, which grants what its arguments need.
